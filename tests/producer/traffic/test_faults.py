"""Shares of records are malformed, repeated or late, in every way that is listed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from random import Random

import orjson
import pytest
from support.flow import START, events, records
from support.records import EVENT, LIMITS, TAKEN, raw

from lakehouse.decode import decode
from lakehouse.errors import SettingsError
from producer.traffic.clock import micros_of, stamp
from producer.traffic.curve import MICROS
from producer.traffic.faults import MALFORMED, Shares, Spoiler

REASONS = {
    "cut": {"syntax"},
    "wrong_type": {"wrong_type", "bad_timestamp"},
    "missing_field": {"missing_field"},
    "no_zone": {"bad_timestamp"},
    "far_future": {"future_timestamp"},
    "invalid_utf8": {"syntax"},
    "empty": {"empty", "syntax"},
}


@pytest.mark.parametrize("spoil", MALFORMED, ids=lambda spoil: spoil.__name__)
def test_every_malformed_kind_is_rejected_for_its_reason(spoil: Spoiler) -> None:
    """Whatever chance makes of it, decoding refuses it, and for what is wrong with it."""
    event = {**EVENT, "path": "/a", "response_time": 1.5, "timestamp": stamp(micros_of(TAKEN))}
    spoilt = [spoil(event, Random(seed)) for seed in range(50)]
    rejects = decode(raw(spoilt), LIMITS).rejects.to_pylist()

    assert len(rejects) == len(spoilt)
    assert {reject["reason"] for reject in rejects} <= REASONS[spoil.__name__]


def test_malformed_share() -> None:
    """A tenth asked for is a tenth got, of several kinds."""
    values = [value for _, value in records(60, shares=Shares(malformed=0.1))]
    rejects = decode(
        raw(values, taken=datetime.fromtimestamp(START / MICROS, UTC)), LIMITS
    ).rejects.to_pylist()

    assert len(rejects) / len(values) == pytest.approx(0.1, rel=0.1)
    assert len({reject["reason"] for reject in rejects}) >= 5


def test_duplicates_share_their_event_id() -> None:
    """A repeated event is the same bytes under the same event_id."""
    values = [value for _, value in records(60, shares=Shares(duplicates=0.1))]
    ids = Counter(orjson.loads(value or b"")["event_id"] for value in values)

    assert max(ids.values()) == 2
    assert len(ids) == len(set(values))
    assert (len(values) - len(ids)) / len(ids) == pytest.approx(0.1, rel=0.1)


def test_late_events_are_1_to_30_minutes_old() -> None:
    """A share of the events happened well before their neighbours."""
    made = events(60, shares=Shares(late=0.1))
    late = [event["at"] for event in made if event["at"] < 0]

    assert len(late) / len(made) == pytest.approx(0.1, rel=0.1)
    assert -1800 <= min(late) < max(late) <= 0


@pytest.mark.parametrize("shares", [(-0.1, 0, 0), (0.5, 0.4, 0.2)])
def test_impossible_shares_are_refused(shares: tuple[float, float, float]) -> None:
    """Negative, or more than everything."""
    with pytest.raises(SettingsError, match="shares do not fit"):
        Shares(*shares)
