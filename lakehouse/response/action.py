"""What one person did about one incident, and what follows from it. Pure."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from lakehouse.errors import SettingsError
from lakehouse.tables.incidents import OPEN, RESOLVED, SEVERITIES

ACKNOWLEDGED, MUTED, COMMENTED = "acknowledged", "muted", "commented"
KINDS = (ACKNOWLEDGED, MUTED, COMMENTED, RESOLVED)
# Characters of a comment or a reason, and of who gave it.
TEXT_MOST, WHO_MOST = 1000, 64
# A resolve holds although the trouble goes on for so long after it.
SETTLES = timedelta(minutes=30)
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Action(msgspec.Struct, frozen=True):
    """What one person did about one incident.

    `until` is the end of a mute, `severity` that of the incident when it was done.
    """

    id: str
    kind: str
    at: datetime
    who: str
    text: str = ""
    until: datetime | None = None
    severity: str = ""

    @property
    def line(self) -> str:
        """Returns it as one line: who did what, until when, and the text."""
        until = f" until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else ""
        text = f": {' '.join(self.text.split())}" if self.text else ""
        return f"{self.kind}{until} by {self.who} at {self.at:%Y-%m-%d %H:%M} UTC{text}"


def action(
    kind: str,
    who: str,
    at: datetime,
    text: str = "",
    until: datetime | None = None,
    name: str = "",
) -> Action:
    """Returns an action with a text that can be shown; `name` is its id, a new one where empty.

    Raises SettingsError for a text that is too long, and for a comment without one.
    """
    shown = printable(text)
    if len(shown) > TEXT_MOST:
        raise SettingsError(
            f"the text has {len(shown):,} characters, and {TEXT_MOST:,} are the most",
            "shorten it, or name a page that has the rest",
        )
    if kind == COMMENTED and not shown:
        raise SettingsError("the comment is empty", "write a few words")
    if name and not NAME.fullmatch(name):
        raise SettingsError("the id of this action is none", "leave it out: one is made")
    by = " ".join(printable(who).split())[:WHO_MOST] or "somebody"
    return Action(name or uuid.uuid4().hex, kind, at.replace(microsecond=0), by, shown, until)


def printable(text: str) -> str:
    """Returns a text without what moves a terminal or turns its reading direction round.

    Lines and tabs stay; each other character that cannot be printed becomes a replacement.
    """
    lines = text.replace("\r\n", "\n").strip()
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in lines)


def latest(done: Sequence[Action], kind: str) -> Action | None:
    """Returns the last action of a kind; None where there is none."""
    return next((one for one in reversed(done) if one.kind == kind), None)


def is_acknowledged(done: Sequence[Action]) -> bool:
    """Whether somebody has taken an incident on."""
    return latest(done, ACKNOWLEDGED) is not None


def is_resolved(done: Sequence[Action], severity: str, last_breach: datetime) -> bool:
    """Whether an incident is over because somebody said so.

    It is open again once it is worse than it was then, or goes on for long after.
    """
    resolve = latest(done, RESOLVED)
    if resolve is None or last_breach > resolve.at + SETTLES:
        return False
    return _rank(severity) <= _rank(resolve.severity)


def status_of(status: str, done: Sequence[Action], severity: str, last_breach: datetime) -> str:
    """Returns the state of an incident as people see it: resolved, while detection has it open."""
    return RESOLVED if status == OPEN and is_resolved(done, severity, last_breach) else status


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)
