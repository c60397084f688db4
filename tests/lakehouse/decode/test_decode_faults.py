"""A fault of decoding itself costs the record that it is for: no other record, and no query."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from support.records import LIMITS, message, otlp_at, raw

from lakehouse.decode import batch, decode, derived, original
from lakehouse.decode.origin import Before
from lakehouse.decode.rejects import reject_rows
from lakehouse.decode.sources import with_source
from lakehouse.errors import SettingsError
from lakehouse.event import user_agents
from lakehouse.formats.format import Fault
from lakehouse.formats.reading import Reading

GOOD = "2026-05-01T11:59:00Z"


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Have decoding raise for the user agent `boom`."""

    def classify(agent: str | None) -> Any:
        if agent == "boom":
            raise error
        return user_agents.classify(agent)

    monkeypatch.setattr(derived, "classify", classify)


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError(), pa.ArrowInvalid("x")])
def test_a_row_that_raises_is_a_reject(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes and its place are kept, and all other rows are events."""
    failing(monkeypatch, error)
    bad = message(user_agent="boom")
    payloads = [bad if n in (0, 77) else message() for n in range(100)]

    events, rejects = decode(raw(payloads), LIMITS)

    assert [row["_offset"] for row in rejects.to_pylist()] == [0, 77]
    assert {(row["reason"], original(row)) for row in rejects.to_pylist()} == {("not_decoded", bad)}
    assert rejects["detail"][0].as_py().endswith(f"report it ({type(error).__name__})")
    assert events["_offset"].to_pylist() == [n for n in range(100) if n not in (0, 77)]


def test_an_event_that_raises_costs_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """A record of several events is refused whole, as it came."""
    monkeypatch.setattr(batch, "derived_columns", lambda *_columns: 1 / 0)
    record = otlp_at(GOOD, GOOD)
    events, rejects = decode(raw([record]), LIMITS, {"web-logs": Reading(format="otlp")})

    (reject,) = rejects.to_pylist()
    assert (original(reject), reject["_item"], events.num_rows) == (record, None, 0)


def test_times_go_on_as_if_nothing_had_been_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was noted of rows before the fault is noted once, in their order."""
    failing(monkeypatch, ValueError())
    last = message(timestamp="2026-05-01T11:59:50Z")
    payloads = [b'{"service": "a"}', message(timestamp=GOOD), message(user_agent="boom"), last]
    before: Before = {}
    reading = {"web-logs": Reading(on_missing_time="previous")}

    events = decode(raw(payloads), LIMITS, reading, before).events

    assert events["time_from"].to_pylist() == ["broker", "event", "event"]
    assert [*before] == [("web-logs", 0)]


@pytest.mark.slow
@pytest.mark.parametrize("error", [MemoryError(), OSError(), ImportError(), SettingsError("x")])
def test_what_no_record_is_to_blame_for_is_raised(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops the query, and the records are decoded at the next start."""
    failing(monkeypatch, error)
    with pytest.raises(type(error)):
        decode(raw([message(user_agent="boom")]), LIMITS)


def test_a_detail_is_text_that_a_table_takes() -> None:
    """Short, and without half a pair of surrogates, which no UTF-8 has."""
    rows = with_source(raw([b"x"]), None)
    found = reject_rows(rows, {0: Fault("bad_format", "\ud83d" + "é" * 2000)}, LIMITS, {})

    assert found["detail"].to_pylist() == ["\\ud83d" + "é" * 509]
