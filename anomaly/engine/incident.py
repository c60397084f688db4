"""An incident as a value: what was seen, what was expected, and one sentence. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from anomaly.engine.config import Config
from anomaly.engine.minute import Key
from anomaly.engine.surprise import CAP
from lakehouse.tables.incidents import WITHDRAWN, Share, unit_of

# The direction of an incident of nothing at all, which only the wall clock can tell.
SILENCE = "silence"


# Kinds of shares that only `logs` can tell; a fold of minutes knows endpoints.
BY_ADDRESS, BY_STATUS = "address", "status"
PATTERN = "pattern"
# Measures of rows, whose first reason has the numbers.
OF_ROWS = ("address", PATTERN)
# How a reason begins that the rule itself is over, and not what it found.
RULE_ENDED = "the rule "
# An address is named in the sentence from this share on, and may be the cause.
NAMED_SHARE = 0.25


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One incident. Its numbers are those of its worst minute; `n` says what they rest on."""

    incident_id: str
    status: str
    scope: str
    key: str
    service: str
    endpoint: str
    ip: str = ""
    measure: str
    direction: str
    opened: datetime
    last_breach: datetime
    closed: datetime | None = None
    duration_minutes: int
    observed: float
    expected: float
    lower: float
    upper: float
    ratio: float
    n: float
    surprise_opened: float
    surprise_peak: float
    severity: str
    usual_when: str = ""
    usual_lower: float | None = None
    usual_upper: float | None = None
    reasons: list[str]
    contributors: list[Share]
    sample_event_ids: list[str] = []
    parent: str = ""
    muted: bool = False
    of_past: bool = False
    rule: str = ""
    labels: list[str] = []
    runbook: str = ""
    message: str = ""
    config: str
    folded_to: datetime
    sentence: str = ""


def incident_id(key: Key, measure: str, direction: str, opened: int) -> str:
    """Returns the id of an incident; every fold of the same minutes gives the same."""
    of = (*key[:3], key.group) if key.group else key[:3]
    parts = "\x1f".join((key.scope, *of, measure, direction, str(opened)))
    return hashlib.sha256(parts.encode()).hexdigest()[:16]


def start_of(at: int) -> datetime:
    """Converts minutes since the epoch to a UTC time."""
    return datetime.fromtimestamp(at * 60, UTC)


def is_same_trouble(one: Incident, other: Incident) -> bool:
    """Whether key, measure and direction of both are the same, and their times touch."""
    named = [(it.key, it.measure, it.direction) for it in (one, other)]
    ends = [it.closed or it.last_breach for it in (one, other)]
    return named[0] == named[1] and one.opened <= ends[1] and other.opened <= ends[0]


def with_sentence(one: Incident, **changed: object) -> Incident:
    """Returns the incident with these fields changed, and its sentence made anew."""
    after = msgspec.structs.replace(one, **changed)
    return msgspec.structs.replace(after, sentence=render_sentence(after))


def withdrawn(one: Incident) -> Incident:
    """Returns an incident that is none any more: late rows changed the minutes it was made of."""
    why = "withdrawn: no incident with the rows that came late"
    sentence = f"{one.sentence}; {why}"
    return msgspec.structs.replace(
        one, status=WITHDRAWN, reasons=[*one.reasons, why], sentence=sentence
    )


def with_evidence(one: Incident, samples: Sequence[str], shares: Iterable[Share]) -> Incident:
    """Returns the incident with sample events and shares that were read from `logs`."""
    own = [share for share in one.contributors if not _is_evidence(one, share)]
    return with_sentence(one, sample_event_ids=[*samples], contributors=[*own, *shares])


def evidence_of(one: Incident) -> tuple[list[str], list[Share]]:
    """Returns the sample events and shares of an incident that were read from `logs`."""
    return one.sample_event_ids, [s for s in one.contributors if _is_evidence(one, s)]


def _is_evidence(one: Incident, share: Share) -> bool:
    return one.measure == "address" or share.kind in (BY_ADDRESS, BY_STATUS)


def render_sentence(one: Incident) -> str:
    """Says in one line what happened: key, observed and expected, how unlikely, what made it."""
    if one.rule:
        message = f": {one.message}" if one.message else ""
        ended = [f"; {why}" for why in one.reasons[1:] if why.startswith(RULE_ENDED)]
        return f"{one.key}: {one.reasons[0]}, rule {one.rule}{message}{''.join(ended)}"
    if one.measure in OF_ROWS:
        return f"{one.key}: {one.direction.replace('_', ' ')}: {one.reasons[0]}"
    if one.direction == SILENCE:
        expected = f"{_number(one.expected)} requests were expected"
        return f"{one.key}: {one.reasons[0]}; {expected}{_chance(one.surprise_peak)}"
    parts = [_fact(one) + _chance(one.surprise_peak)]
    if one.usual_lower is not None and one.usual_upper is not None:
        usual = f"{_number(one.usual_lower)}-{_number(one.usual_upper)}"
        parts.append(f"usual {one.usual_when}: {usual}")
    parts += [f"{share.share:.0%} from {share.name}" for share in _telling(one)]
    return "; ".join(parts).replace("%", " %")


def _telling(one: Incident) -> Iterator[Share]:
    """Yields the first endpoint, and the first address if its share is large enough."""
    for kind, least in (("endpoint", 0.0), (BY_ADDRESS, NAMED_SHARE)):
        first = next((share for share in one.contributors if share.kind == kind), None)
        if first and first.share >= least:
            yield first


def _fact(one: Incident) -> str:
    up, unit = one.direction == "up", unit_of(one.measure)
    limit = f"up to {_number(one.upper)}" if up else f"at least {_number(one.lower)}"
    among = f" in {_number(one.n)} requests" if unit.is_share else ""
    seen = f"{_number(one.observed)} {unit.of_span}{among}"
    return f"{one.key}: {seen}, expected {_number(one.expected)} ({limit}): {_ratio(one)}"


def _ratio(one: Incident) -> str:
    return f"{one.ratio:.2g}x" if one.ratio < 10 else f"{min(one.ratio, 1e9):.0f}x"


def _chance(surprise: float) -> str:
    more = "less than " if surprise >= 50 else "about "
    return f", chance {more}1 in 10^{surprise:.0f}"


def _number(value: float) -> str:
    if not abs(value) < 1e15:
        return f"{value:g}"
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.2g}"


def with_zscore_sentence(one: Incident, config: Config) -> Incident:
    """Returns the incident with sentence and reason by z: its surprise is no chance."""
    most = " or more" if one.surprise_peak >= CAP else ""
    z = f"z {one.surprise_peak * config.zscore.limit / config.incidents.open:.1f}{most}"
    unit = unit_of(one.measure)
    reads = "{:.1%}" if unit.is_share else "{:,.0f}"
    seen, mean, upper, lower = map(reads.format, (one.observed, one.expected, one.upper, one.lower))
    limit = f"up to {upper}" if one.direction == "up" else f"at least {lower}"
    sentence = f"{one.key}: {seen} {unit.of_minute}, mean {mean} ({limit}): {z}"
    why = f"{one.measure} {one.direction}, {z} over {config.zscore.window} minutes"
    marks = one.reasons[1:]
    return msgspec.structs.replace(one, sentence=sentence.replace("%", " %"), reasons=[why, *marks])
