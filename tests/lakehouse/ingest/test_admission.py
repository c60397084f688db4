"""A start goes on only where nothing is lost, repeated or mixed; else words say what to do."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.lakes import QUERY, TABLES, TOPIC, Lake

from lakehouse.errors import CheckpointError
from lakehouse.paths import Places
from lakehouse.runtime.kafka import Topic
from lakehouse.tables.catalog import LOGS


def assert_refused(lake: Lake, why: str, remedy: str, *topics: Topic) -> None:
    """A start is refused for this reason, with this remedy."""
    with pytest.raises(CheckpointError, match=why) as error:
        lake.admit(None, *topics)
    assert remedy in error.value.remedy


def spark_part(lake: Lake) -> Path:
    """Spark's own folder of the checkpoint."""
    return Path(lake.places.checkpoint(QUERY))


def test_a_first_start_notes_what_it_is_for(lake: Lake) -> None:
    """Topic, place, columns and first offsets are written down, under an id that Spark takes."""
    manifest = lake.admit(earliest={0: 7, 1: 0})

    assert lake.manifest == manifest
    assert manifest.ids == {TOPIC.name: TOPIC.id}
    assert lake.subscription.first == lake.subscription.start == {0: 7, 1: 0}
    progress = lake.checkpoint.progress()
    assert progress
    assert progress.query_id == manifest.query_id


def test_a_start_again_goes_on(running: Lake) -> None:
    """With everything in its place the manifest stays, whatever the broker holds now."""
    assert running.admit(earliest={0: 8}) == running.manifest
    assert running.subscription.first == {0: 0}


def test_a_crash_between_manifest_and_metadata_goes_on(lake: Lake) -> None:
    """The same query id counts after a crash in the middle of the first start."""
    manifest = lake.admit()
    (spark_part(lake) / "metadata").unlink()

    assert lake.admit() == manifest
    assert manifest.query_id in (spark_part(lake) / "metadata").read_text()


def test_a_checkpoint_without_a_manifest_is_refused(running: Lake) -> None:
    """Nobody knows then what it was made for."""
    (Path(running.places.ledger(QUERY)) / "manifest.json").unlink()
    assert_refused(running, "has no manifest", "logpond recover ingest")


def test_a_missing_checkpoint_over_rows_is_refused(running: Lake) -> None:
    """A start would read the same records again."""
    shutil.rmtree(running.places.checkpoints)
    assert_refused(
        running, "quarantine and logs hold records of web-logs", "logpond recover ingest"
    )


def test_rows_of_another_topic_are_no_reason(running: Lake) -> None:
    """A new topic over tables with rows of others is a first start."""
    shutil.rmtree(running.places.checkpoints)
    assert [*running.admit(None, Topic("other", "id-9", 1)).topics] == ["other"]


def test_spark_part_alone_lost_is_refused(running: Lake) -> None:
    """The tables know more than the checkpoint then."""
    shutil.rmtree(spark_part(running))
    assert_refused(running, "hold batch 1, but .* knows none", "logpond recover ingest")


@pytest.mark.parametrize("kept", [0, None], ids=["one batch", "no batch"])
def test_an_older_copy_is_refused(running: Lake, kept: int | None) -> None:
    """A checkpoint that was put back is behind the tables."""
    for folder in ("offsets", "commits"):
        for batch in (0, 1):
            if kept is None or batch > kept:
                (spark_part(running) / folder / str(batch)).unlink()
    knows = "none" if kept is None else str(kept)
    assert_refused(running, f"hold batch 1, but .* knows {knows}", "logpond recover ingest")


def test_an_older_copy_is_noticed_by_a_repeated_decode_too(running: Lake) -> None:
    """A batch that was decoded anew counts like any other."""
    plan = running.batch(2, {0: 12}, crash="planned")
    running.carry_out(msgspec.structs.replace(plan, attempt=1), "quarantine", "logs")
    (spark_part(running) / "offsets" / "2").unlink()

    assert_refused(running, "hold batch 2, but .* knows 1", "logpond recover ingest")


def test_a_batch_in_flight_is_no_reason(running: Lake) -> None:
    """What was planned and committed to one table only goes on by itself."""
    running.batch(2, {0: 12}, crash="quarantine")
    assert running.admit() == running.manifest


@pytest.mark.parametrize("act", [shutil.copytree, shutil.move], ids=["copied", "moved"])
def test_another_place_is_refused(running: Lake, act: Any, tmp_path: Path) -> None:
    """A checkpoint that lies elsewhere than where it was made could be one of two."""
    act(running.places.lake, tmp_path / "other")
    other = Lake(Places(str(tmp_path / "other"), str(tmp_path / "other" / "_checkpoints")))
    assert_refused(other, "it is a copy, or was moved", "logpond recover ingest --moved")


def test_another_topic_is_refused(running: Lake) -> None:
    """Offsets of one topic mean nothing in another."""
    other = Topic("other", "id-9", 1)
    assert_refused(running, "reads topic web-logs, not other", "--topic web-logs", other)


def test_a_topic_made_again_is_refused(running: Lake) -> None:
    """Its offsets start over, and would pass for those in the tables."""
    again = Topic(TOPIC.name, "id-2", 1)
    assert_refused(running, "deleted and made again", "logpond reset", again)


@pytest.mark.parametrize("lost", [["logs"], ["quarantine"], ["logs", "quarantine"]], ids=str)
def test_missing_tables_are_refused(running: Lake, lost: list[str]) -> None:
    """A checkpoint that goes on over tables that are gone leaves a hole."""
    for name in lost:
        shutil.rmtree(running.places.table(name))
    assert_refused(running, "the tables are missing", "logpond recover ingest")


def test_empty_tables_are_refused(running: Lake) -> None:
    """So does one over tables that were made anew."""
    from lakehouse import store

    for table in TABLES:
        shutil.rmtree(running.places.table(table))
        store.create(running.places, table)
    assert_refused(running, "the tables are missing", "logpond recover ingest")


def test_a_checkpoint_of_another_query_id_is_refused(running: Lake) -> None:
    """Spark's part was put there from elsewhere."""
    (spark_part(running) / "metadata").write_text('{"id":"somebody-else"}')
    assert_refused(running, "another than its manifest was written for", "logpond recover ingest")


def changed_columns(lake: Lake, **types: str | None) -> None:
    """Make the manifest remember other columns of logs; None: not yet there."""
    now = lake.manifest.columns[LOGS.name]
    then = {n: t for n, t in {**now, **types}.items() if t is not None}
    columns = {**lake.manifest.columns, LOGS.name: then}
    lake.checkpoint.adopt(msgspec.structs.replace(lake.manifest, columns=columns))


def test_an_added_column_is_noted(running: Lake) -> None:
    """A column that is new since goes on, and the manifest has it from then on."""
    changed_columns(running, trace_id=None)
    assert running.admit().columns[LOGS.name]["trace_id"] == "string"
    assert running.manifest.columns[LOGS.name]["trace_id"] == "string"


def test_a_removed_column_is_refused(running: Lake) -> None:
    """A column that the code no longer writes is named."""
    changed_columns(running, no_field="string")
    assert_refused(running, r"logs.no_field \(string -> removed\)", "put them back")


def test_a_retyped_column_is_refused(running: Lake) -> None:
    """A column of another type is named, with both."""
    changed_columns(running, status_code="string")
    assert_refused(running, r"logs.status_code \(string -> int32\)", "put them back")


def test_a_refusal_changes_nothing(running: Lake) -> None:
    """A start that is refused can be repeated: the manifest is as it was."""
    before = running.manifest
    with pytest.raises(CheckpointError):
        running.admit(None, Topic("other", "x", 1))
    assert running.manifest == before


def test_a_plan_for_other_records_is_refused(running: Lake) -> None:
    """The batch that is to be replayed has a plan, but of another range than its offsets say."""
    running.batch(2, {0: 12}, crash="planned")
    offsets = spark_part(running) / "offsets" / "2"
    offsets.write_text(offsets.read_text().replace("12", "13"))

    assert_refused(running, "another range of records", "recover")
