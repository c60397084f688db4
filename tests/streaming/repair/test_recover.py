"""A checkpoint made anew starts at the first record that the tables lack, and loses nothing."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest
from support.lakes import QUERY, TABLES, Lake, events
from support.records import otlp_at

from lakehouse import store
from lakehouse.decode import decode
from lakehouse.errors import CheckpointError, SettingsError
from lakehouse.formats.reading import Reading
from lakehouse.ingest.absent import Absent, Stretch, noted
from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.ingest.offsets import Offsets
from lakehouse.ingest.plans import BatchPlan
from lakehouse.proof.verify import verify
from lakehouse.runtime.kafka import Topic
from lakehouse.tables.catalog import LOGS, QUARANTINE
from streaming.repair.losses import accept, acknowledge
from streaming.repair.recover import Recovery, moved, recover

pytestmark = pytest.mark.slow


def recovered(lake: Lake, earliest: Offsets | None = None, topic: Topic | None = None) -> Recovery:
    """Recover the lake's query; `earliest` is what the broker has."""
    writers = {t.name: store.Writer(lake.places, t) for t in TABLES}
    lake.topic = topic or lake.topic
    return recover(
        lake.places, QUERY, [lake.topic], {lake.topic.name: earliest or {0: 0}}, writers, TABLES, 1
    )


def lose(lake: Lake, *folders: str) -> None:
    """Remove folders of the checkpoints; without a name, all."""
    for folder in folders or ("",):
        shutil.rmtree(Path(lake.places.checkpoints) / folder)


def test_after_the_loss_of_everything(running: Lake) -> None:
    """Without checkpoint and manifest the tables tell where to go on; then verify is clean."""
    lose(running)

    done = recovered(running)

    assert (done.start, done.lost, done.kept_as) == ({"web-logs": {0: 9}}, 0, None)
    assert running.admit().start == {"web-logs": {0: 9}}
    assert verify(running.places).ok


def test_after_the_loss_of_sparks_part(running: Lake) -> None:
    """The promise still begins where it began."""
    lose(running, QUERY)

    assert recovered(running).start == {"web-logs": {0: 9}}
    assert running.subscription.first == {0: 0}
    assert verify(running.places).records == 9


def test_an_older_copy_is_put_aside(running: Lake) -> None:
    """A checkpoint behind the tables is kept under another name, and not used."""
    old = Path(running.places.checkpoint(QUERY))
    (old / "offsets" / "1").unlink()
    (old / "commits" / "1").unlink()

    done = recovered(running)

    assert done.kept_as
    assert (Path(done.kept_as) / "offsets" / "0").exists()
    assert done.start == {"web-logs": {0: 9}}
    assert running.admit().query_id == done.query_id


def test_batches_after_a_recovery_count_from_its_start(running: Lake) -> None:
    """What comes next is verified with what was there before."""
    lose(running, QUERY)
    recovered(running)
    running.batch(0, {0: 12}, bad={10})

    verdict = verify(running.places)

    assert (verdict.ok, verdict.records, verdict.logs, verdict.quarantine) == (True, 12, 9, 3)


@pytest.mark.parametrize("crash", ["planned", "quarantine", "logs"])
def test_a_plan_left_over_is_finished(running: Lake, crash: str) -> None:
    """What was planned and is whole comes in, once, wherever the crash was."""
    running.batch(2, {0: 12}, bad={10}, crash=crash)
    lose(running, QUERY)

    done = recovered(running)

    assert done.start == {"web-logs": {0: 12}}
    assert done.finished_plans == (0 if crash == "logs" else 1)
    assert running.held() == [(0, n) for n in range(12)]


def remove_file(lake: Lake, plan: BatchPlan, table: str) -> None:
    """Lose a planned file."""
    (file,) = plan.files_of(table)
    (Path(lake.places.table(table)) / file.path).unlink()


def test_a_plan_with_a_missing_file_is_read_again(running: Lake) -> None:
    """The table whose file is gone misses its records, and the start is at the first of them."""
    plan = running.batch(2, {0: 12}, bad={9}, crash="quarantine")
    remove_file(running, plan, "logs")

    done = recovered(running)

    assert (done.start, done.held) == ({"web-logs": {0: 10}}, {"web-logs": {0: 10}})
    assert running.held() == [(0, n) for n in range(10)]


def test_a_record_that_came_to_one_table_alone_is_read_again(lake: Lake) -> None:
    """One of its two events is in quarantine; the other was in the file that is gone."""
    times = {3: ("2026-05-01T11:59:00Z", "2099-01-01T00:00:00Z")}
    lake.payload = lambda _name, offset: otlp_at(*times.get(offset, times[3][1:]))
    lake.decode = partial(decode, readings={"web-logs": Reading(format="otlp")})
    lake.admit()
    plan = lake.batch(0, {0: 6}, crash="quarantine")
    remove_file(lake, plan, "logs")
    assert recovered(lake).start == {"web-logs": {0: 0}}

    ingest = lake.manifest.topics["web-logs"]
    held = store.coordinates(store.open_table(lake.places, QUARANTINE), "web-logs", {0: (0, 6)})
    assert (ingest.held, held["_item"].to_pylist()) == ({0: 6}, [0, 0, 0, 1, 0, 0])


def test_a_plan_with_a_missing_file_brings_its_other_table(running: Lake) -> None:
    """The rest of such a plan comes in, and is not read into the tables twice later."""
    plan = running.batch(2, {0: 12}, bad={10}, crash="planned")
    remove_file(running, plan, "logs")

    done = recovered(running)

    assert (done.start, done.held) == ({"web-logs": {0: 9}}, {"web-logs": {0: 11}})
    assert running.held() == [*((0, n) for n in range(9)), (0, 10)]


def test_a_gap_in_the_middle_is_where_it_starts(running: Lake) -> None:
    """Not one past the highest: the first missing; what is held beyond is noted."""
    store.open_table(running.places, LOGS).delete("_offset = 3")

    done = recovered(running)

    assert (done.start, done.held) == ({"web-logs": {0: 3}}, {"web-logs": {0: 9}})


def test_what_is_held_beyond_the_start_is_no_fault(running: Lake) -> None:
    """Before the gap is filled, verify knows how far rows may reach."""
    store.open_table(running.places, LOGS).delete("_offset = 3")
    recovered(running)

    verdict = verify(running.places)

    assert (verdict.ok, verdict.records, verdict.in_flight) == (True, 3, 5)


def test_twice_in_a_row_is_the_same(running: Lake) -> None:
    """A second recovery starts where the first did, under another id."""
    lose(running, QUERY)
    one, two = recovered(running), recovered(running)

    assert (one.start, one.held) == (two.start, two.held)
    assert one.query_id != two.query_id
    assert running.subscription.first == {0: 0}


class Crash(Exception):
    """Stands for the end of the process."""


@pytest.mark.parametrize("step", ["retire", "adopt"])
def test_a_crash_in_the_middle_is_mended_by_a_repeat(
    running: Lake, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever it stops, a start is refused or right, and a repeat ends well."""
    running.batch(2, {0: 12}, bad={10}, crash="planned")
    real = getattr(Checkpoint, step)

    def then_die(*given: object) -> None:
        if step == "retire":
            real(*given)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoint, step, then_die)
        with pytest.raises(Crash):
            recovered(running)
    with pytest.raises(CheckpointError, match="recover ingest"):
        running.admit()

    assert recovered(running).start == {"web-logs": {0: 12}}
    assert running.admit().start == {"web-logs": {0: 12}}
    assert verify(running.places).ok


def test_another_topic_begins_at_its_first(running: Lake) -> None:
    """The rows of the old topic stay under the promise, up to what was read of it."""
    done = recovered(running, {0: 3, 1: 0}, Topic("other", "id-9", 2))
    running.batch(0, {0: 6, 1: 2}, bad={4})

    verdict = verify(running.places)

    assert done.start == {"other": {0: 3, 1: 0}}
    assert (verdict.ok, verdict.records) == (True, 9 + 5)
    assert {(p.topic, p.first, p.end) for p in verdict.partitions} == {
        ("web-logs", 0, 9),
        ("other", 3, 6),
        ("other", 0, 2),
    }


def test_back_to_the_first_topic_goes_on_there(running: Lake) -> None:
    """A topic that was left and is read again goes on at its first missing record."""
    first = running.topic
    recovered(running, {0: 0}, Topic("other", "id-9", 1))
    running.batch(0, {0: 4})
    store.open_table(running.places, LOGS).delete("_topic = 'web-logs' and _offset = 0")

    done = recovered(running, {0: 0}, first)

    assert (done.start, done.held) == ({"web-logs": {0: 0}}, {"web-logs": {0: 9}})
    assert [span.topic for span in running.manifest.past] == ["other"]


def test_a_topic_made_again_meanwhile_is_refused(running: Lake) -> None:
    """Also when another was read in between."""
    name = running.topic.name
    recovered(running, {0: 0}, Topic("other", "id-9", 1))
    with pytest.raises(CheckpointError, match="deleted and made again"):
        recovered(running, {0: 0}, Topic(name, "id-2", 1))


def test_records_that_the_broker_removed_are_lost_and_said(running: Lake) -> None:
    """The start is what there is; the count is told, and verify goes on telling it."""
    done = recovered(running, earliest={0: 12})
    running.batch(0, {0: 15})

    verdict = verify(running.places)

    assert (done.start, done.lost) == ({"web-logs": {0: 12}}, 3)
    assert (verdict.ok, verdict.gaps) == (False, 3)
    assert verdict.examples_of_gaps == [
        {"topic": "web-logs", "partition": 0, "first": 9, "last": 11}
    ]


def test_a_loss_can_be_acknowledged(running: Lake) -> None:
    """Then `verify` is ok, and shows it ever after: what, why, who and when."""
    done = recovered(running, earliest={0: 12})
    running.batch(0, {0: 15})
    for loss in done.losses:
        acknowledge(running.places, loss, " the disk was full ")

    verdict = verify(running.places)

    assert (verdict.ok, verdict.gaps, verdict.lost, verdict.records) == (True, 0, 3, 15)
    (said,) = verdict.losses
    assert said.items() >= {"partition": 0, "first": 9, "last": 11}.items()
    assert (said["reason"], bool(said["by"] and said["at"])) == ("the disk was full", True)
    store.open_table(running.places, LOGS).delete("_offset = 12")
    assert verify(running.places).gaps == 1


@pytest.mark.parametrize("offsets", [(9, 12), (8, 9), (3, 3), (15, 20), (11, 9)])
def test_only_what_is_missing_can_be_acknowledged(running: Lake, offsets: tuple[int, int]) -> None:
    """Neither what is there, nor what is to come."""
    recovered(running, earliest={0: 12})
    running.batch(0, {0: 15})
    with pytest.raises(SettingsError, match="not all missing") as refused:
        acknowledge(running.places, Stretch("web-logs", 0, *offsets), "because")
    assert refused.value.remedy == "missing there: 9 to 11"


def test_what_is_acknowledged_or_invisible_is_not_read_again(running: Lake) -> None:
    """A later recovery starts behind it."""
    (loss,) = recovered(running, earliest={0: 12}).losses
    accept(running.places, loss, "because")
    running.batch(0, {0: 15})
    store.open_table(running.places, LOGS).delete("_offset in (13, 14)")
    gone = noted([Stretch("web-logs", 0, 13, 13)])
    Absent(running.places).note("invisible", "13", gone)
    assert recovered(running).start == {"web-logs": {0: 14}}


def test_rows_of_a_topic_made_again_are_known_without_a_manifest(running: Lake) -> None:
    """They say themselves which topic they are of."""
    lose(running)
    with pytest.raises(CheckpointError, match="deleted and made again"):
        recovered(running, {0: 0}, Topic(running.topic.name, "id-2", 1))


def test_records_before_all_that_is_held_are_read(running: Lake) -> None:
    """Without a manifest the broker's first record counts, where the tables lack it."""
    store.open_table(running.places, LOGS).delete("_offset = 0")
    lose(running)

    assert recovered(running).start == {"web-logs": {0: 0}}


def test_a_new_partition_begins_at_its_first(running: Lake) -> None:
    """A topic that has grown since is read whole."""
    assert recovered(running, {0: 0, 1: 0, 2: 7}).start == {"web-logs": {0: 9, 1: 0, 2: 7}}


def test_an_empty_lake_begins_anew(lake: Lake) -> None:
    """With nothing at all it is a first start."""
    done = recovered(lake, {0: 4})
    assert (done.start, done.held, done.finished_plans) == (
        {"web-logs": {0: 4}},
        {"web-logs": {}},
        0,
    )
    assert lake.admit().start == {"web-logs": {0: 4}}


def test_moved_only_binds_it_to_its_place(running: Lake, tmp_path: Path) -> None:
    """A lake that was moved goes on where it was."""
    shutil.move(running.places.lake, tmp_path / "other" / "lake")
    other = Lake.at(tmp_path / "other")

    moved(other.places, QUERY)

    assert other.admit().location == other.places.checkpoint(QUERY)
    assert verify(other.places).ok


def test_moved_without_a_manifest_is_said(lake: Lake) -> None:
    """There is nothing to bind."""
    with pytest.raises(CheckpointError, match="no manifest"):
        moved(lake.places, QUERY)


def test_rows_are_not_read_twice_after_it(running: Lake) -> None:
    """A repeat of the rows that were there is what verify would call duplicates."""
    lose(running, QUERY)
    recovered(running)
    running.put(events([8]))
    assert not verify(running.places).ok
