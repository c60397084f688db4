"""Messages: what is written is what decoding reads."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone

import pytest
from support.records import event

from lakehouse.event.fields import LogEvent
from lakehouse.event.message import dump, key

REQUEST = LogEvent(
    event_id="e-1",
    timestamp=datetime(2026, 5, 1, 11, 59, 30, 250_000, UTC),
    service="shop",
    endpoint="/api/items/{id}",
    status_code=200,
    ip="192.0.2.7",
    response_time=12.5,
    bytes_sent=0,
    user_agent='naïve \\ " \u2028 \0 agent',
)


def test_a_message_is_compact_and_leaves_out_what_is_missing() -> None:
    """Missing optional values are not written, and the time is UTC with `Z`."""
    plain = dataclasses.replace(REQUEST, response_time=None, bytes_sent=None, user_agent=None)

    assert dump(plain) == (
        b'{"event_id":"e-1","timestamp":"2026-05-01T11:59:30.250000Z","service":"shop",'
        b'"endpoint":"/api/items/{id}","status_code":200,"ip":"192.0.2.7"}'
    )


def test_a_message_decodes_to_its_event() -> None:
    """Each field comes back as it was."""
    row = event(dump(REQUEST))

    assert {name: row[name] for name in LogEvent.__slots__} == dataclasses.asdict(REQUEST)


def test_another_zone_is_written_in_utc() -> None:
    """A time of another zone is the same moment in the message."""
    tokyo = REQUEST.timestamp.astimezone(timezone(timedelta(hours=9)))

    assert dump(dataclasses.replace(REQUEST, timestamp=tokyo)) == dump(REQUEST)


def test_a_time_without_zone_is_refused() -> None:
    """A time of no zone would be another moment on another machine."""
    naive = REQUEST.timestamp.replace(tzinfo=None)

    with pytest.raises(ValueError, match="zone"):
        dump(dataclasses.replace(REQUEST, timestamp=naive))


def test_the_key_is_the_address() -> None:
    """Events of one address go to one partition."""
    assert key(REQUEST) == b"192.0.2.7"
