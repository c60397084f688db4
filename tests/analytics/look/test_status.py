"""What the status says of a lake: with the stream up, down, and with no Kafka to ask."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from support.lakes import Lake, events
from support.windows import Pond, at, logged

from analytics.look.status import QueryStatus, Status, status
from lakehouse import maintenance, store
from lakehouse.errors import TableError
from lakehouse.runtime.kafka import Topic
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.store.lock import alone
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import TRAFFIC

pytestmark = pytest.mark.slow

NOWHERE = Connection("127.0.0.1:1")


def of(found: Status, name: str = "ingest") -> QueryStatus:
    """One query of it."""
    return next(query for query in found.queries if query.name == name)


def test_without_kafka_lag_is_unknown(running: Lake) -> None:
    """All else is there: batches, commits, rejects, tables."""
    found = status(running.places, NOWHERE)

    assert (found.is_kafka_up, found.is_well, of(found).lag_records) == (False, False, None)
    assert (of(found).last_batch, found.rejected) == (1, 2)
    assert {table.name: table.rows for table in found.tables} == {"logs": 7, "quarantine": 2}
    assert found.newest_event == datetime(2026, 5, 1, 11, 59, 30, 250000, tzinfo=UTC)


def test_a_query_runs_while_its_lock_is_held(running: Lake) -> None:
    """A look at it disturbs nobody; when the process is gone it is down."""
    with alone(running.places.ledger("ingest"), "a stream"):
        up = status(running.places, NOWHERE)
    down = status(running.places, NOWHERE)

    assert [of(up, name).is_running for name in ("ingest", "windows", "minutes")] == [
        True,
        True,
        False,
    ]
    assert of(down).is_running is False
    assert f"process {os.getpid()} on" in (of(up, "windows").held_by or "")
    assert of(down).held_by is None


def test_rows_of_the_last_minute_make_the_rate(lake: Lake) -> None:
    """Sixty rows just now are one a second; an hour later they are none."""
    lake.put(events(range(60)))
    assert of(status(lake.places, NOWHERE)).rows_per_second == 1.0
    later = datetime.now(UTC) + timedelta(hours=1)
    assert of(status(lake.places, NOWHERE, later)).rows_per_second == 0.0


def test_late_rows_are_counted(lake: Lake) -> None:
    """Those that came after their window was closed, without a recount."""
    pond = Pond(lake)
    pond.arrive(logged([at(5), at(40)]))
    pond.close(at(30), [TRAFFIC])
    pond.arrive(logged([at(6), at(41)]))
    windows = of(status(lake.places, NOWHERE), "windows")

    assert (windows.late_rows, windows.closed_to) == (1, at(30))
    assert of(status(lake.places, NOWHERE, count_late=False), "windows").late_rows is None


def test_upkeep_is_no_change_of_rows(lake: Lake) -> None:
    """The last commit is the last one that brought any; the table says when it was last touched."""
    for offset in range(3):
        lake.put(events([offset]))
    before = of(status(lake.places, NOWHERE)).last_commit
    maintenance.optimize(lake.places, "logs")
    found = status(lake.places, NOWHERE)

    assert of(found).last_commit == before
    assert found.tables[0].last_commit != before
    assert (found.tables[0].files, found.tables[0].small_files) == (1, 1)


def test_a_table_without_rows_has_no_last_commit(lake: Lake) -> None:
    """Its creation brought none."""
    store.create(lake.places, LOGS)
    found = status(lake.places, NOWHERE)
    assert (of(found).last_commit, found.newest_event, found.tables[0].rows) == (None, None, 0)


def test_an_empty_lake_is_said(lake: Lake) -> None:
    """With what to do."""
    with pytest.raises(TableError, match="holds no table yet"):
        status(lake.places, NOWHERE)


@pytest.mark.broker
def test_records_that_wait_are_the_lag(lake: Lake, topic: Topic, broker: object) -> None:
    """How many, and how long the oldest has waited; none is no lag."""
    from confluent_kafka import Producer

    connection = Connection(str(getattr(broker, "bootstrap", "")))
    lake.topic = topic
    lake.admit({0: 0, 1: 0})
    lake.put(events([0]))
    empty = of(status(lake.places, connection))
    producer = Producer(connection.client())
    for number in range(5):
        producer.produce(topic.name, b"x", partition=number % 2)
    producer.flush()
    waiting = of(status(lake.places, connection, datetime.now(UTC) + timedelta(seconds=10)))

    assert (empty.lag_records, empty.lag_seconds) == (0, 0.0)
    assert waiting.lag_records == 5
    assert 10 <= (waiting.lag_seconds or 0) < 20


@pytest.mark.broker
def test_another_kafka_does_not_know_the_lag(running: Lake, topic: Topic, broker: object) -> None:
    """A topic of the same name with another id is not the one that was read."""
    found = status(running.places, Connection(str(getattr(broker, "bootstrap", ""))))
    assert (found.is_kafka_up, of(found).lag_records) == (True, None)
