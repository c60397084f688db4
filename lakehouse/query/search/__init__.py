"""The query language of logs: `service:cart level:>=warn -status:200 "free text"`. Pure.

A text becomes a tree (`parse`), a tree becomes a condition of SQL for DuckDB or Spark
(`condition`), in which what a person wrote is bound or quoted, never pasted.
"""

from __future__ import annotations

from lakehouse.query.search.fault import QueryFault
from lakehouse.query.search.parser import parse
from lakehouse.query.search.sql import DUCKDB, SPARK, bound, condition, text
from lakehouse.query.search.tree import Node

__all__ = ["DUCKDB", "SPARK", "Node", "QueryFault", "bound", "condition", "parse", "text"]
