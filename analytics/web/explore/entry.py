"""Explore as an entry of the navigation, and what its pages share."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from analytics.web.base.view import Page, View
from analytics.web.explore import context, rows
from analytics.web.explore.parameters import Parameters
from lakehouse.query.search.edit import LONGEST_TERM
from lakehouse.tables.catalog import LOGS

router = APIRouter()
PAGE = Page("explore", "Explore", "/explore", router, order=2)


def is_empty(view: View) -> bool:
    """Whether there is no row at this moment."""
    logs = view.snapshot.table(LOGS.name)
    return logs is None or not logs.rows


def of_rows(columns: list[Any]) -> dict[str, Any]:
    """What the template of rows needs beside them."""
    links = {"term": Parameters.term, "shared": context.shared, "longest_id": LONGEST_TERM}
    return {"columns": columns, "cell": rows.cell, **links}
