"""The commands in the order of use, by what a person is after; the help lists them so."""

from __future__ import annotations

from collections.abc import Iterable

GROUPS = {
    "Run": ("up", "produce", "stream", "import", "detect", "web"),
    "Look": ("status", "report", "tail", "sql", "tables", "history", "diff"),
    "Files": (
        "discover",
        "import",
        "scan-cost",
        "files",
        "aggregate",
        "watch-time",
        "service-metrics",
    ),
    "Incidents": (
        "anomalies",
        "explain",
        "analyze",
        "evaluate",
        "backtest",
        "alerts",
        "mute",
        "unmute",
    ),
    "Prove and mend": ("verify", "reconcile", "rebuild", "recover", "replay-quarantine", "restore"),
    "Keep": ("detail", "optimize", "vacuum", "retain", "upkeep"),
    "This machine": ("doctor", "spark-ui", "reset"),
}


def grouped(names: Iterable[str]) -> dict[str, list[str]]:
    """These names by group; those of no group come last, under `More`."""
    left = list(names)
    found = {}
    for group, members in GROUPS.items():
        found[group] = [name for name in members if name in left]
        left = [name for name in left if name not in members]
    return {group: members for group, members in {**found, "More": left}.items() if members}
