"""Incidents under the mutes of a lake."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from anomaly.engine.incident import Incident
from lakehouse.response.mutes import Mute
from lakehouse.tables.incidents import OPEN


def is_muted(incident: Incident, mutes: Iterable[Mute]) -> bool:
    """Whether any of these mutes covers an incident."""
    return any(mute.covers(incident) for mute in mutes)


def as_muted_now(incident: Incident, mutes: Iterable[Mute]) -> Incident:
    """Returns an incident as it is shown: if open, it is also muted by mutes that came after it."""
    muted = incident.muted or (incident.status == OPEN and is_muted(incident, mutes))
    return msgspec.structs.replace(incident, muted=muted)
