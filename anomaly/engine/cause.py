"""Tells which incidents are one trouble: the first or narrowest is told, the others are its parts.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta

from anomaly.engine.detector import DOWN, SPAN
from anomaly.engine.incident import BY_ADDRESS, NAMED_SHARE, PATTERN, Incident
from anomaly.engine.minute import Key
from anomaly.engine.tracker import Breach, Identity, Tracked

# What opens within so many minutes may be one trouble.
TOGETHER_MINUTES = 2
_TOGETHER = timedelta(minutes=TOGETHER_MINUTES)
# What an address does is in the sums of a key for so many minutes.
MADE_WITHIN_MINUTES = SPAN
_MADE_WITHIN = timedelta(minutes=MADE_WITHIN_MINUTES)
# An endpoint explains its service if it makes this share of what is over the expected.
EXPLAINS = 0.6
# Of measures that breach in one minute the first is told: the others follow from it.
_MEASURES = ("traffic", "server_errors", "latency", "client_errors")

Explained = Callable[[Breach | Tracked], Key | None]
Made = Callable[[Key], Mapping[Key, float]]


def order(one: Breach, explained: Key | None) -> tuple[int, int, int, Key]:
    """Returns by what breaches of a minute are sorted, so that the cause comes first."""
    is_explained = explained is not None and explained != one.key
    named = one.measure in _MEASURES
    measure = _MEASURES.index(one.measure) if named else len(_MEASURES)
    return is_explained, measure, len(one.key.parents), one.key


def explained_by(key: Key, breaching: Collection[Key], services: int, made: Made) -> Key | None:
    """Returns the narrower key that a wider one is in trouble for; None if it is so in itself.

    A service is explained by an endpoint that alone breaches and makes most of it; all traffic by
    the service that makes most of it, where at most half of the services breach. `made` gives by
    how much each endpoint of a key is over the expected.
    """
    if key.endpoint or key.ip:
        return None
    if not key.service:
        wide = sorted({one.service for one in breaching if one.service})
        if not wide or 2 * len(wide) > services > 1:
            return None
        by_endpoint = made(key)
        of = {name: sum(v for k, v in by_endpoint.items() if k.service == name) for name in wide}
        top = Key(max(wide, key=lambda name: (of[name], name)))
        return explained_by(top, breaching, services, made) or top
    parts = [one for one in breaching if one.service == key.service and one.endpoint]
    if len(parts) != 1:
        return None
    over = made(key)
    return parts[0] if over.get(parts[0], 0.0) >= EXPLAINS * sum(over.values()) else None


def cause_of(
    at: int,
    one: Breach,
    explained: Key | None,
    others: Mapping[Identity, Tracked],
    explain: Explained,
) -> str:
    """Returns the id of the incident whose part a breach is when it opens; empty for none.

    `explained` is the key that makes most of it, and `explain` tells that of another.
    """
    first = (
        _explaining(at, one, explained, others)
        or _wider(at, one, others, explain)
        or _fellow(at, one, others)
    )
    return root_of(first, others) if first else ""


def root_of(one: Tracked, others: Mapping[Identity, Tracked]) -> str:
    """Returns the id of what an incident is part of in the end, or its own."""
    by_id = {other.incident.incident_id: other for other in others.values()}
    name, seen = one.incident.incident_id, set[str]()
    while (known := by_id.get(name)) and known.incident.parent and name not in seen:
        seen.add(name)
        name = known.incident.parent
    return name


def _explaining(
    at: int, one: Breach, explained: Key | None, others: Mapping[Identity, Tracked]
) -> Tracked | None:
    """Returns the narrower incident that makes most of a wider breach, of any measure if new."""
    if explained is None or explained == one.key:
        return None
    for key in (explained, Key(explained.service)):
        if key != one.key and (same := others.get((key, one.measure, one.direction))):
            return same
    near = [other for other in _new(at, others) if other.key in (explained, Key(explained.service))]
    return next(iter(near), None)


def _wider(
    at: int, one: Breach, others: Mapping[Identity, Tracked], explain: Explained
) -> Tracked | None:
    """Returns the wider incident of the same measure that nothing else explains.

    One that was told by another key, a while ago, does not make this one known.
    """
    for wider in reversed(one.key.parents):
        if other := others.get((wider, one.measure, one.direction)):
            by = explain(other)
            is_named = not other.incident.parent or at - other.since <= TOGETHER_MINUTES
            if by == one.key or (is_named and (by is None or by in one.key.parents)):
                return other
    return None


def _fellow(at: int, one: Breach, others: Mapping[Identity, Tracked]) -> Tracked | None:
    """Returns what opened just now of the same service: itself, its parts, what it is part of."""
    return next((other for other in _new(at, others) if _is_related(one, other)), None)


def _new(at: int, others: Mapping[Identity, Tracked]) -> list[Tracked]:
    """Returns what opened within the last minutes, in the order in which it is told."""
    new = (other for other in others.values() if at - other.since <= TOGETHER_MINUTES)
    return sorted(new, key=lambda other: (bool(other.incident.parent), other.since, other.identity))


def _is_related(one: Breach, other: Tracked) -> bool:
    mine, its = one.key, other.key
    if mine.service != its.service or mine.ip or its.ip:
        return False
    if mine == its or not mine.endpoint or not its.endpoint:
        return True
    # two endpoints of a service that do the same
    return (one.measure, one.direction) == other.identity[1:]


def linked(incidents: Iterable[Incident]) -> dict[str, str]:
    """Returns id -> parent where an address is the cause of an incident of a key, or follows it.

    What opened first is told; in the same minute the address is. A pattern is a part of what opened
    in its service. Each parent depends only on what opened by then, so it is the same live and in
    history.
    """
    each = sorted(incidents, key=lambda one: (one.opened, one.measure == PATTERN, one.incident_id))
    of_address: dict[str, list[Incident]] = {}
    for one in each:
        of_address.setdefault(one.ip, []).append(one)
    found: dict[str, str] = {}
    for at, one in enumerate(each):
        is_pattern = one.measure == PATTERN
        cause = _of_service(one, each[:at]) if is_pattern else _made_by(one, of_address)
        if cause and cause.opened <= one.opened and not one.parent:
            found[one.incident_id] = found.get(cause.incident_id, "") or _whole(cause)
        elif cause and cause.opened > one.opened and not cause.parent:
            found.setdefault(cause.incident_id, _whole(one))
    return found


def _of_service(one: Incident, before: Sequence[Incident]) -> Incident | None:
    """Returns what opened near a pattern in its service; another pattern if nothing else did."""
    near = [
        other
        for other in before
        if other.service == one.service
        and not (other.ip or other.rule)
        and one.opened - other.opened <= _TOGETHER
    ]
    return min(near, key=lambda other: other.measure == PATTERN, default=None)


def _whole(one: Incident) -> str:
    return one.parent or one.incident_id


def _made_by(one: Incident, of_address: Mapping[str, Iterable[Incident]]) -> Incident | None:
    """Returns the first incident near it of an address that made much of it.

    A spike of a third has one in four of its requests from whoever made it.
    """
    if one.ip or one.rule or one.direction == DOWN:
        return None
    made = [s.name for s in one.contributors if s.kind == BY_ADDRESS and s.share >= NAMED_SHARE]
    others = (other for ip in made for other in of_address.get(ip, ()))
    near = (o for o in others if -_TOGETHER <= one.opened - o.opened <= _MADE_WITHIN)
    return next(near, None)
