"""Lines of applications are the same for a seed, are read by their source, and follow incidents."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from random import Random

import orjson
import pyarrow as pa
import pytest
from support.flow import START
from support.lakes import raw_rows
from support.records import LIMITS
from support.streams import settings

from lakehouse.decode import decode
from lakehouse.sources import sources_of
from producer.traffic.app_lines import AppLines
from producer.traffic.clock import stamp
from producer.traffic.curve import MICROS
from producer.traffic.decks import decks
from producer.traffic.scenarios import INCIDENTS, Incident, Stage

SECONDS, RATE = 60, 200


def lines(seed: int = 7, share: float = 0.1, *incidents: Incident) -> list[bytes]:
    """The lines of a minute of requests."""
    made = AppLines(seed, share, lambda: incidents)
    found = [
        value or b""
        for request in range(SECONDS * RATE)
        for _, value in made.at_request(START + MICROS * (1 + request // RATE))
    ]
    assert made.made == len(found)
    return found


def test_the_same_seed_gives_the_same_bytes() -> None:
    """And another one others."""
    assert lines() == lines()
    assert set(lines()).isdisjoint(lines(seed=8))


@pytest.mark.parametrize("share", [0.05, 1.0])
def test_their_number_is_a_share_of_the_requests(share: float) -> None:
    """Exactly, but for the one that is not due yet."""
    assert len(lines(share=share)) == pytest.approx(SECONDS * RATE * share, abs=1)


def test_two_services_write_two_formats() -> None:
    """JSON of orders, with a stack trace now and then, and logfmt of payments."""
    objects = [orjson.loads(line) for line in lines() if line.startswith(b"{")]
    others = [line for line in lines() if not line.startswith(b"{")]

    assert {each["service"] for each in objects} == {"orders"}
    assert all(line.startswith(b"time=2") and b" service=payments " in line for line in others)
    traces = [each for each in objects if "exception" in each]
    assert traces
    assert all(each["level"] == "ERROR" and "\n  File " in each["exception"] for each in traces)
    assert 0.4 < len(objects) / len(lines()) < 0.8


def test_every_line_becomes_a_row_by_its_source(tmp_path: Path) -> None:
    """With its own time and message, by the file of sources that comes with logpond."""
    made = lines(7, 0.02)
    reading = sources_of(settings("localhost:9", "web-logs", tmp_path)).reading("app-logs")
    assert reading
    raw = raw_rows(made, [*range(len(made))], topic="app-logs")
    taken = pa.repeat(pa.scalar(datetime.fromtimestamp(START / MICROS + 90, UTC)), len(made))
    raw = raw.set_column(4, raw.schema.field(4), taken.cast(raw.schema.field(4).type))
    rows = decode(raw, LIMITS, {"app-logs": reading}).events.to_pylist()

    assert len(rows) == len(made)
    assert {row["time_from"] for row in rows} == {"event"}
    assert {row["_source"] for row in rows} == {"app"}
    assert all(row["message"] for row in rows)
    assert {row["level"] for row in rows} == {"DEBUG", "INFO", "WARN", "ERROR"}
    assert any(row["exception"] for row in rows)


def test_errors_are_about_the_incident_that_runs() -> None:
    """While it lasts, and not before or after."""
    stage = Stage(Random(1), decks(7), START + 20 * MICROS, START + 40 * MICROS)
    burst = INCIDENTS["error-burst"](stage)
    objects = [orjson.loads(line) for line in lines(7, 0.1, burst) if line.startswith(b"{")]
    about = [each for each in objects if each.get("upstream") == burst.label.service]

    assert len(about) > 100
    begin, end = stamp(stage.start), stamp(stage.end)
    assert all(begin <= each["timestamp"] < end for each in about)
    assert all(str(burst.label.endpoint) in each["exception"] for each in about)
