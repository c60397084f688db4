"""The tables of a result, asked in SQL without Spark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lakehouse.duck import connect, literal

NAMES = ("metrics", "minutes", "anomalies", "enriched", "outliers", "rejects")


def rows(folder: Path, sql: str) -> list[dict[str, Any]]:
    """The answer to one statement over the tables in a folder."""
    with connect() as connection:
        for name in (one for one in NAMES if (folder / one).exists()):
            files = literal(str(folder / name / "**" / "*.parquet"))
            reader = f"read_parquet({files}, hive_partitioning = true)"
            connection.execute(f"CREATE TEMP VIEW {name} AS FROM {reader}")
        found = connection.sql(sql).to_arrow_table().to_pylist()
    return [dict(one) for one in found]
