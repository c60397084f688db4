"""Rules as a list: their state, their last incident, and those of the last 30 days. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from anomaly.engine.incident import Incident
from anomaly.rules.rule import RuleSet
from lakehouse.tables.incidents import OPEN, WITHDRAWN

LOOK_BACK = timedelta(days=30)
FIRING, QUIET, OFF, GONE, BROKEN = "firing", "quiet", "off", "gone", "broken"


def overview(found: RuleSet, incidents: Iterable[Incident], now: datetime) -> list[dict[str, Any]]:
    """Returns a row a rule, in order of names, and then one for each fault of a file.

    Rules of no file that told in the last 30 days are among them.
    """
    by_rule: dict[str, list[Incident]] = {}
    for one in incidents:
        if one.rule and one.status != WITHDRAWN:
            by_rule.setdefault(one.rule, []).append(one)
    recent = {
        name for name, of in by_rule.items() if any(it.opened >= now - LOOK_BACK for it in of)
    }
    names = sorted({*found.rules, *recent})
    rows = [_row(name, found, by_rule.get(name, []), now) for name in names]
    return [*rows, *(_broken(fault) for fault in found.faults)]


def _broken(fault: str) -> dict[str, Any]:
    named = {"state": BROKEN, "severity": "", "last_opened": None, "opened_30d": 0}
    rest = {"when": fault, "file": "", "by": [], "labels": {}, "runbook": ""}
    return {"rule": "", **named, **rest}


def _row(name: str, found: RuleSet, of: Sequence[Incident], now: datetime) -> dict[str, Any]:
    rule = found.rules.get(name)
    opened = [one.opened for one in of]
    return {
        "rule": name,
        "state": _state(found, name, of),
        "severity": rule.table.severity if rule else of[-1].severity,
        "last_opened": max(opened, default=None),
        "opened_30d": sum(at >= now - LOOK_BACK for at in opened),
        "when": rule.table.when if rule else "",
        "file": rule.file if rule else "",
        "by": [*rule.table.by] if rule else [],
        "labels": rule.table.labels if rule else {},
        "runbook": rule.table.runbook if rule else "",
    }


def _state(found: RuleSet, name: str, of: Iterable[Incident]) -> str:
    if name not in found.rules:
        return GONE
    if name not in found.enabled:
        return OFF
    return FIRING if any(one.status == OPEN for one in of) else QUIET
