"""Quarantine rows: what is kept of a payload, and how it comes back."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from support.records import LIMITS, raw, reject

from lakehouse.decode import decode, original

SMALL = replace(LIMITS, payload_cap=10)


@pytest.mark.parametrize(
    ("payload", "kept", "encoding"),
    [
        (b"", "", "utf-8"),
        (b"0123456789", "0123456789", "utf-8"),
        (b"0123456789abc", "0123456789", "utf-8"),
        ("12345678€".encode(), "12345678", "utf-8"),
        ("1234567😀".encode(), "1234567", "utf-8"),
        ("1234567€".encode(), "1234567€", "utf-8"),
        (b"0123456789\xff", "0123456789", "utf-8"),
        (b"\xff123456789abc", "/zEyMzQ1Njc4OQ==", "base64"),
        (b"\xe2\x82", "4oI=", "base64"),
        (b"a\0b", "a\0b", "utf-8"),
        (None, None, None),
    ],
)
def test_a_payload_is_kept_as_text_or_base64(
    payload: bytes | None, kept: str | None, encoding: str | None
) -> None:
    """What fits under the cap is text, cut between characters, or base64 where it is no UTF-8."""
    row = reject(payload, SMALL)

    assert (row["payload"], row["payload_encoding"]) == (kept, encoding)


def test_length_and_hash_are_of_the_whole_payload() -> None:
    """What was capped can still be told apart and found elsewhere."""
    payload = b"0123456789" * 3

    row = reject(payload, SMALL)

    assert row["payload_length"] == 30
    assert row["payload_sha256"] == hashlib.sha256(payload).hexdigest()


def test_a_null_value_has_no_payload() -> None:
    """A record without value is kept as such: no payload, no length, no hash."""
    row = reject(None)

    assert {row[name] for name in row if name.startswith("payload")} == {None}


@pytest.mark.parametrize("payload", [b"", b"{", "€uro".encode(), b"\xff\xfe", b"0123456789"])
def test_the_original_comes_back(payload: bytes) -> None:
    """A payload within the cap comes back byte for byte."""
    assert original(reject(payload, SMALL)) == payload


@pytest.mark.parametrize("payload", [None, b"0123456789a", b"\xff0123456789", "1234567€€".encode()])
def test_a_capped_payload_does_not_come_back(payload: bytes | None) -> None:
    """What was capped, or never was, is None rather than a part of it."""
    assert original(reject(payload, SMALL)) is None


@pytest.mark.parametrize(
    ("taken", "day"),
    [
        (datetime(2026, 4, 30, 23, 59, 59, 999_999, UTC), date(2026, 4, 30)),
        (datetime(2026, 5, 1, tzinfo=UTC), date(2026, 5, 1)),
        (datetime(1969, 12, 31, 23, 59, 59, 999_000, UTC), date(1970, 1, 1)),
    ],
)
def test_a_reject_lies_in_the_day_of_the_broker(taken: datetime, day: date) -> None:
    """The partition of a reject is the broker's day, for its own time may be what is wrong."""
    rejects = decode(raw([b"{"], taken), LIMITS).rejects

    assert rejects.column("date").to_pylist() == [day]
