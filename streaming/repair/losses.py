"""Records that are lost for good, acknowledged by a person: `verify` shows them and is ok."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime

from lakehouse.errors import SettingsError
from lakehouse.ingest.absent import Absent, Loss, Stretch
from lakehouse.paths import Places
from lakehouse.proof.verify import missing


def acknowledge(places: Places, loss: Stretch, reason: str) -> Loss:
    """Note for good that records are lost, who says so, when and why.

    Raises SettingsError where `verify` does not miss every one of them, or no reason is given.
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
    """The same of records that are known to be missing."""
    if not reason.strip():
        raise SettingsError("a loss is acknowledged with a reason", 'give --reason "why it is one"')
    noted = Loss(**loss._asdict(), reason=reason.strip(), by=_name(), at=datetime.now(UTC))
    Absent(places).acknowledge(noted)
    return noted


def _name() -> str:
    """Who runs this program; a number where the machine has no name for them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
