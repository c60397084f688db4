"""Incidents of the plain method in its own words: z over a window, no chance. Pure."""

from __future__ import annotations

import msgspec

from anomaly.engine.config import Config
from anomaly.engine.incident import Incident
from anomaly.engine.surprise import CAP

# What is measured in one minute: how a value reads, and of what.
_READS = {
    "traffic": ("{:,.0f}", "requests in 1 min"),
    "client_errors": ("{:.1%}", "client errors"),
    "server_errors": ("{:.1%}", "server errors"),
    "latency": ("{:,.0f}", "ms p95"),
}


def plainly(one: Incident, config: Config) -> Incident:
    """The same, with a sentence and a reason that say z: its surprise is no chance."""
    most = " or more" if one.surprise_peak >= CAP else ""
    z = f"z {one.surprise_peak * config.zscore.limit / config.incidents.open:.1f}{most}"
    reads, unit = _READS[one.measure]
    seen, mean, upper, lower = map(reads.format, (one.observed, one.expected, one.upper, one.lower))
    limit = f"up to {upper}" if one.direction == "up" else f"at least {lower}"
    told = f"{one.key}: {seen} {unit}, mean {mean} ({limit}): {z}"
    why = f"{one.measure} {one.direction}, {z} over {config.zscore.window} minutes"
    marks = one.reasons[1:]
    return msgspec.structs.replace(one, sentence=told.replace("%", " %"), reasons=[why, *marks])
