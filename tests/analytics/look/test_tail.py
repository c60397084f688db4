"""`tail`: the newest rows, then each that comes, once, whatever is done to files meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result
from support.asked import rows_at
from support.lakes import Lake, events
from support.records import LIMITS, message

from analytics.commands.tail import render, tail
from analytics.look.tail import EventFilter, LakeTail
from lakehouse import maintenance, store
from lakehouse.errors import SettingsError
from lakehouse.runtime.kafka import Topic
from lakehouse.tables.catalog import LOGS

HOSTILE = "[red]\x1b[31m\x1b]0;x\x07 \x9b2J \u202egpj\r\n\x7f"


def ids(rows: pa.Table) -> list[str]:
    """Which events, in order."""
    found: list[str] = rows["event_id"].to_pylist()
    return found


def shown(lake: Lake, *words: str) -> Result:
    """What the command prints of the newest rows."""
    return CliRunner().invoke(tail, [*words, "--no-follow", "--lake", lake.places.lake])


def test_the_newest_rows_by_their_time(lake: Lake) -> None:
    """Over hours and commits, the newest last; those that came last may be older."""
    lake.put(rows_at(datetime(2026, 5, 2, 7, tzinfo=UTC), [2, 3]))
    lake.put(rows_at(datetime(2026, 5, 1, 7, tzinfo=UTC), [0, 1]))
    assert ids(LakeTail(lake.places, EventFilter()).history(3)) == ["e-0-1", "e-0-2", "e-0-3"]


def test_each_new_row_comes_once(lake: Lake) -> None:
    """Those of all commits since the last look, and nothing where none was made."""
    lake.put(events([0]))
    following = LakeTail(lake.places, EventFilter())
    before = ids(following.fresh())
    lake.put(events([1]))
    lake.put(events([2]))
    assert (before, ids(following.fresh()), ids(following.fresh())) == ([], ["e-0-1", "e-0-2"], [])


def test_a_table_without_rows_is_followed(lake: Lake) -> None:
    """Its first rows come as any others."""
    store.create(lake.places, LOGS)
    following = LakeTail(lake.places, EventFilter())
    before = ids(following.history(5)), ids(following.fresh())
    lake.put(events([1]))
    assert (before, ids(following.fresh())) == (([], []), ["e-0-1"])


def test_rows_that_were_merged_at_once_come_once(lake: Lake) -> None:
    """Upkeep between two looks neither hides nor repeats them."""
    lake.put(events([0]))
    following = LakeTail(lake.places, EventFilter())
    lake.put(events([1]))
    maintenance.optimize(lake.places, "logs")
    assert ids(following.fresh()) == ["e-0-1"]
    maintenance.optimize(lake.places, "logs")
    assert ids(following.fresh()) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (EventFilter(service="pay"), [1]),
        (EventFilter(status="5xx"), [1]),
        (EventFilter(status="404"), [2]),
        (EventFilter(level="warn"), [2]),
        (EventFilter(endpoint="/x"), [2]),
        (EventFilter(grep="e-0-[12]$"), [1, 2]),
        (EventFilter(service="pay", status="404"), []),
        (EventFilter(service="' OR true --"), []),
    ],
)
def test_filters_choose(lake: Lake, wanted: EventFilter, found: list[int]) -> None:
    """All together; what they say is text, never SQL."""
    lake.put(events([0]))
    lake.put(events([1], service="pay", status_code=503))
    lake.put(events([2], status_code=404, level="WARN", endpoint="/x"))
    following = LakeTail(lake.places, wanted)
    assert ids(following.history(9)) == [f"e-0-{offset}" for offset in found]


@pytest.mark.parametrize(
    "wanted", [EventFilter(status="9xx"), EventFilter(status="x"), EventFilter(grep="(")]
)
def test_a_filter_that_means_nothing_is_refused(lake: Lake, wanted: EventFilter) -> None:
    """Before anything is read."""
    with pytest.raises(SettingsError, match=r"--(status|grep)"):
        LakeTail(lake.places, wanted)


def test_a_line_is_inert() -> None:
    """Whatever the fields of an event hold: one line, no control character."""
    names = ("level", "service", "method", "endpoint", "path", "ip", "user", "event_id")
    known = {"status_code": 200, "timestamp": datetime(2026, 5, 1, tzinfo=UTC)}
    row: dict[str, Any] = {**dict.fromkeys(names, HOSTILE), **known, "response_time": None}
    found = render(row, is_coloured=False)
    assert not [char for char in found if not char.isprintable()]
    assert "\x1b[32m200\x1b[0m" in render(row, is_coloured=True)


def test_json_is_an_object_a_line(lake: Lake) -> None:
    """Without a colour, also where the text would set one."""
    lake.put(events([0], user=HOSTILE))
    found = shown(lake, "--format", "json").stdout
    assert json.loads(found)["user"] == HOSTILE
    assert "\x1b" not in found


@pytest.mark.slow
def test_ctrl_c_ends_it(lake: Lake) -> None:
    """After the rows that were there, with 130 and no trace."""
    lake.put(events([0], user_agent="x"))
    words = [sys.executable, "-m", "cli", "tail", "--lake", lake.places.lake]
    following = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert following.stdout
    first = following.stdout.readline()
    os.kill(following.pid, signal.SIGINT)
    _, error = following.communicate(timeout=30)
    assert (first[:19], following.returncode, error) == ("2026-05-01 11:59:30", 130, "")


@pytest.mark.broker
def test_records_that_nobody_has_read(lake: Lake, topic: Topic, broker: Any) -> None:
    """Decoded as ingest does; what it would reject is left out and counted."""
    from confluent_kafka import Producer

    from analytics.look.tail import KafkaTail

    producer = Producer({"bootstrap.servers": broker.bootstrap})
    now = datetime.now(UTC).isoformat()
    for name in ("a", "b"):
        producer.produce(topic.name, message(event_id=name, timestamp=now))
    producer.flush()
    following = KafkaTail(broker.bootstrap, topic.name, EventFilter(), LIMITS)
    before = sorted(ids(following.history(10)))
    producer.produce(topic.name, b"oops", partition=0)
    producer.produce(topic.name, message(event_id="c", timestamp=now), partition=0)
    producer.flush()
    after: list[str] = []
    while not after:
        after += ids(following.fresh())
    following.close()
    assert (before, after, following.rejects) == (["a", "b"], ["c"], 1)


@pytest.mark.slow
def test_a_reader_that_went_away_ends_it_in_silence(running: Lake) -> None:
    """As `| head` does: nothing on the other output, and no signal."""
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-m", "cli", "tail", "--lake", running.places.lake]
    ended = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (1, b"")
