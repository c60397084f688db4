"""An incident says what was seen in one sentence, and has the same id for whoever folds."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from support.hooks import FIRST

from anomaly.engine.incident import Incident, incident_id, render_sentence
from anomaly.engine.minute import Key
from lakehouse.tables.incidents import Share

NOON = datetime(2026, 3, 3, 14, 0, tzinfo=UTC)
LOGIN = msgspec.structs.replace(
    FIRST,
    key="auth /login",
    service="auth",
    endpoint="/login",
    opened=NOON,
    last_breach=NOON,
    folded_to=NOON,
    surprise_opened=9.2,
    surprise_peak=9.2,
    severity="critical",
    usual_when="Tue 14:00",
    usual_lower=90,
    usual_upper=130,
    contributors=[Share("address", "203.0.113.9", 0.71)],
)


def test_the_sentence_has_it_all() -> None:
    """Seen, expected, how far it could go, how likely, what is usual, who made it."""
    assert render_sentence(LOGIN) == (
        "auth /login: 412 requests in 5 min, expected 96 (up to 151): 4.3x, "
        "chance about 1 in 10^9; usual Tue 14:00: 90-130; 71 % from 203.0.113.9"
    )


def test_a_sentence_survives_absurd_numbers() -> None:
    """Infinity and 1e300 are printed short."""
    odd = msgspec.structs.replace(LOGIN, observed=1e300, expected=float("inf"), ratio=1e300)

    assert len(render_sentence(odd)) < 200


def test_an_id_tells_what_when_and_whose() -> None:
    """Any difference makes another id; none, the same."""
    given = [
        (Key("a", "b"), "traffic", "up", 5),
        (Key("a"), "traffic", "up", 5),
        (Key("a", "b"), "latency", "up", 5),
        (Key("a", "b"), "traffic", "down", 5),
        (Key("a", "b"), "traffic", "up", 6),
        (Key("a", "", "b"), "traffic", "up", 5),
    ]

    assert len({incident_id(*one) for one in given}) == len(given)
    assert incident_id(*given[0]) == incident_id(*given[0])


def test_an_incident_travels_as_json() -> None:
    """Written and read, it is the same."""
    assert msgspec.json.decode(msgspec.json.encode(LOGIN), type=Incident) == LOGIN
