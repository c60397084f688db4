"""The incidents that a lake holds against the labels of what was staged."""

from __future__ import annotations

from typing import Any

from anomaly.evaluate.labels import graded, labels_of, totals
from anomaly.lake.rows import incidents_of
from lakehouse.paths import Places
from lakehouse.store import open_table
from lakehouse.tables.catalog import ANOMALIES


def compared(places: Places, labels: bytes) -> dict[str, list[dict[str, Any]]]:
    """Rows a label, and one row of totals; `labels` are JSON objects, one a line."""
    found = incidents_of(open_table(places, ANOMALIES).to_pyarrow_table())
    staged = labels_of(labels)
    return {"labels": graded(staged, found), "totals": [totals(staged, found)]}
