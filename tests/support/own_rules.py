"""Builders: rules of one's own, and what they find in a lake by closed minutes and by rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.lakes import Lake

from anomaly.engine.incident import Incident
from anomaly.rules.answers import ask_logs, count_answers
from anomaly.rules.fold import RuleFold
from anomaly.rules.parts import Part
from anomaly.rules.rule import Rule, RuleTable
from anomaly.rules.sources import closed_range, count_closed, count_logs, count_rows
from lakehouse import store
from lakehouse.tables.rollups import MINUTES

SLOW = {"when": "p95 of response_time where service:shop > 100 ms in 5 min"}
BUSY = {"when": "count where endpoint:/cart > 700 in 5 min"}


FROM_LOGS = {"logs": count_logs, "asked": ask_logs}
FROM_CLOSED = {"minutes": count_closed, "rows": count_rows, "answers": count_answers}


def rule(when: str, name: str = "mine", **table: Any) -> Rule:
    """A rule of this condition."""
    return Rule(name, RuleTable.model_validate({"when": when, **table}))


def written(folder: Path, text: str, name: str = "mine.toml") -> Path:
    """A folder of rules with this file."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder


def parts_by(lake: Lake, one: Rule, source: str) -> list[Part]:
    """What a rule counts in a lake by one of the ways."""
    closed = store.open_table(lake.places, MINUTES.name)
    every = closed_range(closed)
    if source in FROM_LOGS:
        found = FROM_LOGS[source](lake.places, one, every.start, every.stop)
    else:
        found = FROM_CLOSED[source](lake.places, closed, {one: every.start}, every.stop)
    return [part for part in found if isinstance(part, Part)]


def folded(one: Rule, parts: list[Part]) -> dict[str, Incident]:
    """The incidents of these parts, as they are in the end."""
    fold, found = RuleFold(one), dict[str, Incident]()
    for part in parts:
        for change in fold.fold(part.counted, part.first, part.end):
            found[change.incident_id] = change
    return found | {incident.incident_id: incident for incident in fold.incidents}
