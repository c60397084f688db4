"""The rules that an address may break: each a function, registered with its minutes. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from anomaly.addresses.minute import Crowd, Sum
from anomaly.engine.config import Addresses as Limits


class Finding(NamedTuple):
    """What was observed, the limit that it broke, and why in words; `strong` makes it critical."""

    observed: float
    limit: float
    n: float
    why: str
    strong: bool = False


# (an address over the rule's minutes, the others, limits, part of them)
Judge = Callable[[Sum, Crowd, Limits, float], Finding | None]


class Rule(NamedTuple):
    """A rule, and the name of the setting that says over how many minutes it looks."""

    minutes: str
    judge: Judge


RULES: dict[str, Rule] = {}


def rule(minutes: str) -> Callable[[Judge], Judge]:
    """Registers a rule; `minutes` is the name of the setting with its number of minutes."""

    def register(judge: Judge) -> Judge:
        RULES[judge.__name__] = Rule(minutes, judge)
        return judge

    return register


@rule("hammering_minutes")
def hammering(seen: Sum, crowd: Crowd, limits: Limits, part: float) -> Finding | None:
    """Finds far more requests than others make, and than itself usually makes; no static files."""
    high = max(crowd.high, seen.usual * limits.hammering_minutes)
    usual = max(limits.hammering_times * crowd.median, limits.hammering_high * high)
    limit = max(limits.hammering_requests, usual) * part
    if seen.dynamic <= limit:
        return None
    rate = f"{seen.dynamic:,} requests in {limits.hammering_minutes} min"
    why = f"{rate}, the median address has {crowd.median:g}"
    return Finding(seen.dynamic, limit, seen.requests, why)


@rule("login_minutes")
def brute_force(seen: Sum, crowd: Crowd, limits: Limits, part: float) -> Finding | None:
    """Finds many refused logins; one that is accepted after them is critical."""
    tries = seen.refused + seen.accepted
    if seen.refused < limits.login_refused * part or seen.accepted >= limits.login_share * tries:
        return None
    why = f"{seen.refused:,} of {tries:,} logins refused in {limits.login_minutes} min"
    if seen.cracked:
        why += ", then one was accepted"
    return Finding(seen.refused, limits.login_refused * part, tries, why, seen.cracked)
