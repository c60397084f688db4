"""Compares the incidents of a lake with what was staged: found, how soon, or false. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from anomaly.engine.incident import Incident
from lakehouse.errors import SettingsError

# An incident may open this long after the trouble's end: five minutes are judged together.
GRACE = timedelta(minutes=5)
# What follows trouble (its end, a return) for so long is no false incident.
AFTERMATH = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)
# What trouble of a kind is to be found by: the measure, and the directions, any where none is told.
SEEN_AS: dict[str, tuple[str, tuple[str, ...]]] = {
    "traffic-spike": ("traffic", ("up",)),
    "error-burst": ("server_errors", ("up",)),
    "latency-ramp": ("latency", ("up",)),
    "outage": ("traffic", ("down",)),
    "scanner": ("address", ("scanning", "probing")),
    "brute-force": ("address", ("brute_force",)),
}


class Label(msgspec.Struct, frozen=True):
    """An incident that the producer staged, as it wrote it down."""

    kind: str
    start: datetime
    end: datetime
    service: str = ""
    endpoint: str = ""
    ip: str = ""


def labels_of(lines: bytes) -> list[Label]:
    """Returns the labels of a file, one JSON object a line. Raises SettingsError for a bad line."""
    return [_label(n, line) for n, line in enumerate(lines.splitlines(), 1) if line.strip()]


def _label(number: int, line: bytes) -> Label:
    try:
        return msgspec.json.decode(line, type=Label)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise SettingsError(
            f"line {number} of the labels: {fault}",
            "Give what the producer wrote: <lake>/_state/labels.ndjson",
        ) from None


def compare(lines: bytes, incidents: Sequence[Incident]) -> dict[str, list[dict[str, Any]]]:
    """Returns one row for each label, and one row of totals."""
    labels = labels_of(lines)
    return {"labels": graded(labels, incidents), "totals": [totals(labels, incidents)]}


def graded(labels: Iterable[Label], incidents: Sequence[Incident]) -> list[dict[str, Any]]:
    """Returns for each label whether it was found, and how long after its start.

    The time ends with the minute that found it.
    """
    return [_graded(label, incidents) for label in labels]


def totals(labels: Sequence[Label], incidents: Sequence[Incident]) -> dict[str, Any]:
    """Returns recall of the labels, and precision of the incidents without a wider one."""
    found = sum(row["found"] for row in graded(labels, incidents))
    own = [one for one in incidents if not one.parent]
    false = sum(not any(_is_near(label, one) for label in labels) for one in own)
    return {
        "labels": len(labels),
        "found": found,
        "recall": round(found / len(labels), 3) if labels else None,
        "incidents": len(own),
        "false": false,
        "precision": round(1 - false / len(own), 3) if own else None,
    }


def _graded(label: Label, incidents: Sequence[Incident]) -> dict[str, Any]:
    meant = [one for one in incidents if _is_of(label, one)]
    first = min(meant, key=lambda one: one.opened, default=None)
    over = first and max(first.opened + MINUTE - label.start, timedelta())
    return {
        "kind": label.kind,
        "start": f"{label.start:%Y-%m-%d %H:%M:%S}",
        "where": " ".join(filter(None, (label.service, label.endpoint, label.ip))),
        "found": first is not None,
        "after_seconds": over and round(over.total_seconds()),
        "incident_id": first and first.incident_id,
        "sentence": first and first.sentence,
    }


def _is_of(label: Label, one: Incident) -> bool:
    """Whether an incident shows a label: in its time, for its key or a wider or narrower one."""
    measure, directions = SEEN_AS.get(label.kind, (one.measure, ()))
    is_of_kind = one.measure == measure and (not directions or one.direction in directions)
    in_time = label.start - MINUTE < one.opened <= label.end + GRACE
    pairs = [(label.service, one.service), (label.endpoint, one.endpoint), (label.ip, one.ip)]
    return is_of_kind and in_time and all(not a or not b or a == b for a, b in pairs)


def _is_near(label: Label, one: Incident) -> bool:
    return label.start - MINUTE < one.opened <= label.end + AFTERMATH
