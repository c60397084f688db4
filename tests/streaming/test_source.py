"""Which records of its topics a batch takes, by the offsets that Spark plans."""

from __future__ import annotations

import msgspec
import pytest
from support.lakes import TOPIC, Lake

from lakehouse.errors import BrokerError
from lakehouse.formats.reading import Reading
from lakehouse.ingest.admission import new_manifest
from lakehouse.ingest.offsets import Offsets, kafka_json
from lakehouse.ingest.queries import INGEST
from lakehouse.runtime.kafka_connection import Connection
from streaming import source
from streaming.fetch import Fetch
from streaming.records import Range

NAME = TOPIC.name


def taken(lake: Lake, left_at: Offsets, start: dict[str, Offsets], end: Offsets) -> list[Range]:
    """What a batch from `start` to `end` takes of a topic whose manifest starts at `left_at`."""
    manifest = new_manifest(lake.places, "ingest", [TOPIC], {NAME: left_at}, INGEST.tables, 1)
    ranges = source.kafka(Connection("nowhere:1"), manifest).ranges
    return ranges(kafka_json(start), kafka_json({NAME: end}))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ({}, {0: 10, 1: 0}, []),
        ({NAME: {0: 10, 1: 0}}, {0: 20, 1: 40}, []),
        ({NAME: {0: 20, 1: 40}}, {0: 60, 1: 50}, [Range(NAME, 0, 50, 60)]),
        ({NAME: {0: 60, 1: 50}}, {0: 70, 1: 95}, [Range(NAME, 0, 60, 70), Range(NAME, 1, 90, 95)]),
        ({NAME: {0: 60}}, {0: 60, 1: 0, 2: 3}, [Range(NAME, 2, 0, 3)]),
    ],
)
def test_a_topic_that_is_back_is_read_from_where_it_was_left(
    lake: Lake, start: dict[str, Offsets], end: Offsets, expected: list[Range]
) -> None:
    """Spark plans from its first record on: 50 and 90 records of two partitions were taken."""
    assert taken(lake, {0: 50, 1: 90}, start, end) == expected


def test_an_end_before_what_the_last_batch_took_is_refused(lake: Lake) -> None:
    """The broker lost records, and their offsets would be given again."""
    with pytest.raises(BrokerError, match="ends at offset 55, but records up to 59 were taken"):
        taken(lake, {0: 50}, {NAME: {0: 60}}, {0: 55})


@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (Reading(), set()),
        (Reading(format="otlp"), {NAME}),
        (Reading(format="avro"), {NAME}),
        (Reading(format="mixed"), set()),
        (Reading(format="mixed", options={"formats": ["otlp", "raw"]}), {NAME}),
    ],
)
def test_records_of_which_much_is_made_are_fetched_fewer_at_once(
    lake: Lake, reading: Reading, expected: set[str]
) -> None:
    """What is made of them at once may be a hundred times as large."""
    manifest = new_manifest(lake.places, "ingest", [TOPIC], {NAME: {0: 0}}, INGEST.tables, 1)
    read = {NAME: msgspec.structs.replace(manifest.topics[NAME], reading=reading)}
    found = source.kafka(Connection("nowhere:1"), msgspec.structs.replace(manifest, topics=read))

    assert isinstance(found.fetch, Fetch)
    assert found.fetch.several == expected


@pytest.mark.parametrize(
    ("records", "coalesce_below", "cores", "count"),
    [
        (19_999, 20_000, 8, 1),
        (20_000, 20_000, 2, 2),
        (20_000, 20_000, 1, 1),
        (250_000, 20_000, 1000, 25),
        (2_000_000, 20_000, 64, 64),
        (5, 0, 4, 4),
        (5, 1, 4, 4),
    ],
)
def test_tasks_follow_records_and_not_only_cores(
    records: int, coalesce_below: int, cores: int, count: int
) -> None:
    """A large cluster does not cut a batch into crumbs, each a file that the driver commits."""
    assert source.tasks(records, coalesce_below, cores) == count
