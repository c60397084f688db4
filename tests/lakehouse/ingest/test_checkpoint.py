"""What Spark wrote into its checkpoint is read without Spark; the manifest survives as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.lakes import QUERY, Lake

from lakehouse.errors import CheckpointError
from lakehouse.ingest.checkpoint import Progress
from lakehouse.ingest.offsets import kafka_json, parse_offsets


@pytest.fixture
def started(lake: Lake) -> Lake:
    """A lake whose query starts at offset 3 of partition 0 and 0 of partition 1."""
    lake.adopt({0: 3, 1: 0})
    return lake


def test_nothing_yet(lake: Lake) -> None:
    """Without a checkpoint there is no progress and no manifest."""
    assert lake.checkpoint.progress() is None
    assert lake.checkpoint.manifest() is None


def test_asking_makes_nothing(lake: Lake) -> None:
    """A question to a lake that is not there leaves no folder behind."""
    lake.checkpoint.progress()
    lake.checkpoint.manifest()
    assert not Path(lake.places.lake).exists()


def test_progress_is_the_newest_batch_by_number(started: Lake) -> None:
    """Batch 10 is newer than 9, and Spark's other files are no batches."""
    folder = Path(started.places.checkpoint(QUERY))
    for name, batches in {"offsets": ("9", "10", ".10.crc", "11.tmp"), "commits": ("9",)}.items():
        (folder / name).mkdir()
        for batch in batches:
            (folder / name / batch).write_text("v1\n{}\n{}")
    assert started.checkpoint.progress() == Progress(started.manifest.query_id, 10, 9)


def test_offsets_are_the_third_line(started: Lake) -> None:
    """The end of a batch is what its source wrote."""
    started.batch(0, {0: 5}, crash="offsets")
    assert started.checkpoint.offsets(0) == '{"web-logs": {"0": 5}}'


def test_before_the_first_batch_is_the_start(started: Lake) -> None:
    """Batch -1 ends where the checkpoint starts, in the form of the source."""
    assert parse_offsets(started.checkpoint.offsets(-1)) == {"web-logs": {0: 3, 1: 0}}


def test_a_manifest_of_an_earlier_version_is_read(started: Lake) -> None:
    """It had a field more, which nothing asked for."""
    before, file = started.manifest, Path(started.places.ledger(QUERY), "manifest.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "state_partitions": 4}))
    assert started.checkpoint.manifest() == before


def test_end_has_every_partition(started: Lake) -> None:
    """A partition without records so far ends where it starts."""
    started.batch(0, {0: 5}, crash="offsets")
    assert started.checkpoint.end(None) == {"web-logs": {0: 3, 1: 0}}
    assert started.checkpoint.end(0) == {"web-logs": {0: 5, 1: 0}}


def test_missing_offsets_are_said(started: Lake) -> None:
    """A batch whose offsets are gone is an error with a remedy."""
    with pytest.raises(CheckpointError, match="no offsets of batch 4") as error:
        started.checkpoint.offsets(4)
    assert "recover ingest" in error.value.remedy


def test_the_manifest_comes_back_as_it_was(started: Lake) -> None:
    """Written and read, it is the same."""
    assert started.checkpoint.adopt(started.manifest) == started.manifest


def test_adopt_keeps_the_id_that_spark_has(started: Lake) -> None:
    """Spark's own metadata is never replaced."""
    metadata = Path(started.places.checkpoint(QUERY)) / "metadata"
    metadata.write_text('{"id":"somebody-else"}')
    started.checkpoint.adopt(started.manifest)
    assert "somebody-else" in metadata.read_text()


def test_retire_deletes_nothing(started: Lake) -> None:
    """Spark's part is kept under another name, and the manifest under its query id."""
    started.batch(0, {0: 5})
    old = started.manifest

    started.checkpoint.retire(".before-x")

    kept = Path(started.places.checkpoint(QUERY) + ".before-x")
    assert (kept / "offsets" / "0").exists()
    assert (Path(started.places.ledger(QUERY)) / f"manifest-{old.query_id}.json").exists()
    assert started.checkpoint.progress() is None


def test_offsets_and_their_json_agree(started: Lake) -> None:
    """What Spark is told to start at is read back as the same."""
    assert parse_offsets(kafka_json(started.manifest.start)) == started.manifest.start


@pytest.mark.parametrize("text", ['{"logOffset":3}', "7", "null"])
def test_offsets_of_another_source_are_none(text: str) -> None:
    """A source that is not Kafka has no offsets here."""
    assert parse_offsets(text) == {}
