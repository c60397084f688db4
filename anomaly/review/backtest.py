"""Compares what other constants, or the plain method, would have raised with what was raised.

Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from anomaly.engine.incident import Incident, is_same_trouble

BOTH, ONLY_RAISED, ONLY_OTHER = "both", "only raised", "only other"
MINUTE = timedelta(minutes=1)
COLUMNS = (
    "found",
    "key",
    "measure",
    "direction",
    "opened",
    "other_opened",
    "later_minutes",
    "severity",
    "other_severity",
    "duration_minutes",
    "other_duration_minutes",
    "incident_id",
    "sentence",
)


# What becomes of an incident if these constants take the place of those that raised it.
BECOMES = {BOTH: "stays", ONLY_RAISED: "goes", ONLY_OTHER: "comes"}


def compare(raised: Iterable[Incident], other: Iterable[Incident]) -> list[dict[str, Any]]:
    """Returns a row for each pair of incidents that match, and one for each of the rest.

    Incidents match if key, measure and direction are the same and their times touch. Of several the
    one with the nearest opening is taken. Rows are in order of opening.
    """
    left = sorted(other, key=_order)
    rows: list[dict[str, Any]] = []
    for one in sorted(raised, key=_order):
        same = min(
            (it for it in left if is_same_trouble(one, it)), key=_distance(one), default=None
        )
        if same:
            left.remove(same)
        rows.append(_row(one, same))
    rows += [_row(None, it) for it in left]
    return sorted(rows, key=lambda row: (row["opened"] or row["other_opened"], row["key"]))


def totals(rows: Sequence[dict[str, Any]]) -> str:
    """Returns a summary of the rows in one line."""
    count = {
        name: sum(row["found"] == name for row in rows) for name in (BOTH, ONLY_RAISED, ONLY_OTHER)
    }
    both = [row for row in rows if row["found"] == BOTH]
    differ = sum(row["severity"] != row["other_severity"] for row in both)
    moved = sum(row["later_minutes"] != 0 for row in both)
    return (
        f"{count[BOTH]} in both ({moved} opened at another minute, {differ} with another severity),"
        f" {count[ONLY_RAISED]} only raised, {count[ONLY_OTHER]} only by the other"
    )


def becomes(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns the rows of a comparison in the words of who changes constants."""
    return [{**row, "found": BECOMES[row["found"]]} for row in rows]


def totals_of_change(rows: Iterable[dict[str, Any]]) -> str:
    """Returns how many stay, go and come, in one line."""
    count = Counter(row["found"] for row in rows)
    return f"{count['stays']:,} would stay, {count['goes']:,} go, {count['comes']:,} come"


def _distance(one: Incident) -> Any:
    return lambda other: (abs(other.opened - one.opened), other.opened)


def _order(one: Incident) -> tuple[Any, str]:
    return one.opened, one.incident_id


def _row(one: Incident | None, other: Incident | None) -> dict[str, Any]:
    any_of = one or other
    assert any_of
    found = BOTH if one and other else ONLY_RAISED if one else ONLY_OTHER
    return {
        "found": found,
        **{name: getattr(any_of, name) for name in ("key", "measure", "direction")},
        "opened": one and one.opened,
        "other_opened": other and other.opened,
        "later_minutes": (other.opened - one.opened) // MINUTE if one and other else None,
        "severity": one and one.severity,
        "other_severity": other and other.severity,
        "duration_minutes": one and one.duration_minutes,
        "other_duration_minutes": other and other.duration_minutes,
        "incident_id": any_of.incident_id,
        "sentence": any_of.sentence,
    }
