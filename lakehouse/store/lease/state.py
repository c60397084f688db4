"""Pure. When a lease is still ours, and when it is nobody's: (state, event) -> state.

No two machines' clocks are compared. A holder counts from before it asked for a renewal, a waiter
from after it first saw that renewal, each by a clock of its own that only goes forward. So a holder
is past its time before any waiter thinks so, as long as both clocks run about as fast.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

# How much longer than the holder's own time a waiter waits: clocks that run fast, a slow answer.
PATIENCE = 1.25


class Verdict(Enum):
    """What a waiter knows of a lease after a look."""

    FREE = "free"
    UNKNOWN = "unknown"
    HELD = "held"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Look:
    """What a look found, by the waiter's clock: asked then, answered then.

    `version` is the object's, None where there is none; `ttl` is what its holder has to keep to.
    """

    version: str | None
    is_released: bool
    ttl: float
    asked: float
    answered: float


@dataclass(frozen=True)
class Watch:
    """A waiter: which version it saw first when, and whether it saw a renewal."""

    version: str | None = None
    since: float = 0.0
    verdict: Verdict = Verdict.UNKNOWN


def watched(watch: Watch, look: Look) -> Watch:
    """Returns the waiter after a look.

    A waiter that was frozen itself between two looks is no trouble: each renewal is another
    version, so an old one that is still there was not renewed meanwhile.
    """
    if look.version is None or look.is_released:
        return Watch(look.version, look.answered, Verdict.FREE)
    if watch.version != look.version:
        seen = Verdict.UNKNOWN if watch.version is None else Verdict.HELD
        return Watch(look.version, look.answered, seen)
    if look.asked - watch.since >= look.ttl * PATIENCE:
        return replace(watch, verdict=Verdict.EXPIRED)
    return watch


class Phase(Enum):
    """Whether a holder may go on: HELD as long as it is sure of it."""

    HELD = "held"
    LOST = "lost"
    RELEASED = "released"


@dataclass(frozen=True)
class Hold:
    """A holder: sure of its lease up to `sure_until` of its clock.

    `version` is that of the object which it will replace, None where it has to make it.
    """

    nonce: str
    ttl: float
    version: str | None
    sure_until: float
    phase: Phase = Phase.HELD

    def is_sure(self, now: float) -> bool:
        """Whether nobody can have taken it yet."""
        return self.phase is Phase.HELD and now < self.sure_until


@dataclass(frozen=True)
class Renewed:
    """A renewal that was answered; it was asked for at `began`."""

    version: str
    began: float


@dataclass(frozen=True)
class Unanswered:
    """A renewal of which nobody knows whether it was done."""


@dataclass(frozen=True)
class Found:
    """What is there after a refusal: whose (None: nobody's, as it is gone or no lease)."""

    version: str | None
    nonce: str | None


@dataclass(frozen=True)
class Released:
    """It was given up."""


Event = Renewed | Unanswered | Found | Released


def after(hold: Hold, event: Event) -> Hold:
    """Returns the holder after an event. What is lost or released stays so.

    A refused renewal that finds its own nonce is the one whose answer was lost: it goes on from
    there, but is not surer than before. A lease that was deleted, or written over by something that
    is none, is not another's.
    """
    if hold.phase is not Phase.HELD:
        return hold
    match event:
        case Renewed(version, began):
            until = max(hold.sure_until, began + hold.ttl)
            return replace(hold, version=version, sure_until=until)
        case Found(version, nonce) if nonce in (hold.nonce, None):
            return replace(hold, version=version)
        case Found():
            return replace(hold, phase=Phase.LOST)
        case Released():
            return replace(hold, phase=Phase.RELEASED)
        case _:
            return hold
