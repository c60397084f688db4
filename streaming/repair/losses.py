"""Acknowledges lost records; `verify` then shows them as lost, and passes."""

from __future__ import annotations

from datetime import UTC, datetime

from lakehouse.errors import SettingsError
from lakehouse.ingest.absent import Absent, Loss, Stretch
from lakehouse.paths import Places
from lakehouse.proof.verify import missing
from lakehouse.runtime import rights


def acknowledge(places: Places, loss: Stretch, reason: str) -> Loss:
    """Notes for good that records are lost: who says so, when and why.

    Raises SettingsError where `verify` does not miss all of them, or no reason is given.
    """
    gaps = [gap for gap in missing(places, loss.topic) if gap.partition == loss.partition]
    if not any(gap.first <= loss.first <= loss.last <= gap.last for gap in gaps):
        found = ", ".join(f"{gap.first} to {gap.last}" for gap in gaps) or "none"
        raise SettingsError(
            f"offsets {loss.first} to {loss.last} of {loss.topic}, partition {loss.partition}, "
            "are not all missing",
            f"missing there: {found}",
        )
    return accept(places, loss, reason)


def accept(places: Places, loss: Stretch, reason: str) -> Loss:
    """Notes the loss of records that are known to be missing, without asking `verify`."""
    if not reason.strip():
        raise SettingsError("a loss is acknowledged with a reason", 'give --reason "why it is one"')
    noted = Loss(
        **loss._asdict(), reason=reason.strip(), by=rights.own_user(), at=datetime.now(UTC)
    )
    Absent(places).acknowledge(noted)
    return noted
