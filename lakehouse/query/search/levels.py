"""Levels by their severity, 1 to 24 as OpenTelemetry numbers them. Pure."""

from __future__ import annotations

from lakehouse.event import severity as severities

# The least severity of each level; it has the four from there on.
WIDTH = 4
SEVERITIES = {name: 1 + WIDTH * at for at, name in enumerate(severities.LEVELS)}
# Rows of before severities were numbered have levels as they were written.
AS_WRITTEN = SEVERITIES | {"WARNING": 13, "ERR": 17, "CRITICAL": 21}


def severity(level: str) -> int | None:
    """The least severity of a level as a person writes it; None where it is none."""
    found = None if level.isdecimal() else severities.severity(level)
    return SEVERITIES[found.level] if found else None
