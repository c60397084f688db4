"""What holds for any payload, not only for those that someone thought of."""

from __future__ import annotations

import json

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from support.records import EVENT, LIMITS, decoded, message, raw

from lakehouse.decode import REASONS, decode, original

TIMES = st.sampled_from(
    [
        "2026-05-01T11:59:30Z",
        "12:00",
        "0001-01-01T00:00:00+23:00",
        "9999-12-31T23:59:59-23:00",
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | TIMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
CHANGED = st.dictionaries(st.sampled_from([*EVENT, "user", "bytes_sent", "other"]), ANYTHING)
EVENTS = CHANGED.map(lambda changes: json.dumps(EVENT | changes).encode())
SPLICED = st.tuples(st.integers(0, 150), st.binary(max_size=4)).map(
    lambda cut: message()[: cut[0]] + cut[1] + message()[cut[0] :]
)
PAYLOADS = st.none() | st.binary() | EVENTS | SPLICED
BATCHES = st.lists(PAYLOADS, max_size=8)


@given(BATCHES)
def test_every_raw_row_comes_out_once(payloads: list[bytes | None]) -> None:
    """Whatever the bytes, decoding does not raise, and each row is in exactly one table."""
    events, rejects = decoded(*payloads)

    offsets = [*events.column("_offset").to_pylist(), *rejects.column("_offset").to_pylist()]
    assert sorted(offsets) == list(range(len(payloads)))
    assert set(rejects.column("reason").to_pylist()) <= {*REASONS} - {"not_decoded"}


@given(BATCHES, st.integers(0, 8))
def test_a_batch_decodes_the_same_in_any_split(payloads: list[bytes | None], cut: int) -> None:
    """decode(a + b) == decode(a) + decode(b), details included."""
    whole = raw(payloads)
    parts = [decode(part, LIMITS) for part in (whole.slice(0, cut), whole.slice(cut))]

    at_once = decode(whole, LIMITS)

    assert at_once.events.equals(pa.concat_tables(part.events for part in parts))
    assert at_once.rejects.equals(pa.concat_tables(part.rejects for part in parts))


@given(BATCHES)
def test_a_reject_gives_its_bytes_back(payloads: list[bytes | None]) -> None:
    """Quarantine holds the payload itself: byte for byte what came."""
    rejects = decoded(*payloads).rejects.to_pylist()

    assert [original(row) for row in rejects] == [payloads[row["_offset"]] for row in rejects]


@given(BATCHES)
def test_a_detail_is_short_and_printable(payloads: list[bytes | None]) -> None:
    """A detail can be shown in a terminal, whatever the payload holds."""
    details = decoded(*payloads).rejects.column("detail").to_pylist()

    assert all(0 < len(detail) <= 200 and detail.isprintable() for detail in details)


@given(st.text().filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)))
def test_any_text_comes_out_unchanged(text: str) -> None:
    """Text of an event is data, not a format: whatever it is, it comes out as it went in."""
    (row,) = decoded(message(user_agent=text, path=text)).events.to_pylist()

    assert (row["user_agent"], row["path"]) == (text, text)
