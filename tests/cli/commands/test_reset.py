"""`reset` deletes all that the programs made, together, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.importing import Imports, csv_lines, written
from support.lakes import Lake, events

from cli.commands.reset import reset
from lakehouse import store
from lakehouse.errors import BrokerError, CheckpointError, LeaseError, LogpondError, SettingsError
from lakehouse.paths import Places
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka import Topic
from lakehouse.store import objects
from lakehouse.store.lease.folder import FolderLease
from lakehouse.store.lock import alone
from lakehouse.tables.catalog import LOGS, TABLES


def run(lake: Lake, *words: str) -> Result:
    """The command on a lake, where nobody can be asked."""
    return CliRunner().invoke(reset, ["--lake", lake.places.lake, *words])


def root(lake: Lake) -> Path:
    """The folder of a lake."""
    return Path(lake.places.lake)


def test_tables_and_checkpoints_go_together(running: Lake) -> None:
    """The next start finds nothing, and begins anew."""
    assert run(running, "--yes", "--keep-topic").exit_code == 0
    assert not root(running).exists()
    running.admit()
    running.batch(0, {0: 3})
    assert running.count() == 3


def test_what_was_imported_goes_too(lake: Lake, tmp_path: Path) -> None:
    """With its copies: a file can be imported anew."""
    file = written(tmp_path / "a.csv", csv_lines(3))
    Imports(lake).run(file)
    assert run(lake, "--yes", "--keep-topic").exit_code == 0
    assert not root(lake).exists()
    assert Imports(lake).done(file) == ["imported"]


def test_what_is_not_ours_stays(running: Lake) -> None:
    """Files and folders beside the tables."""
    (root(running) / "notes.txt").write_text("mine")
    (root(running) / "mine" / "_delta_log").mkdir(parents=True)
    run(running, "--yes", "--keep-topic")
    assert sorted(path.name for path in root(running).iterdir()) == ["mine", "notes.txt"]


def test_nobody_to_ask_is_no_yes(running: Lake) -> None:
    """Nothing is deleted without one."""
    assert isinstance(run(running, "--keep-topic").exception, SettingsError)
    assert running.count() == 7


def test_refused_while_the_stream_runs(running: Lake) -> None:
    """Also for one that only folds minutes."""
    for query in ("ingest", "minutes"):
        with alone(running.places.ledger(query), query):
            assert isinstance(run(running, "--yes", "--keep-topic").exception, CheckpointError)
    assert running.count() == 7


@pytest.mark.parametrize("done", range(3))
def test_one_that_lost_its_lease_deletes_nothing_more(
    running: Lake, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    """While it asked, or deleted, another process may have begun."""
    removed, remove = list[str](), objects.remove

    def lost(_lease: FolderLease) -> None:
        if len(removed) == done:
            raise LeaseError("lost", "")

    def noted(place: str) -> None:
        remove(place)
        removed.append(place)

    monkeypatch.setattr(objects, "remove", noted)
    monkeypatch.setattr(FolderLease, "confirm", lost)
    assert isinstance(run(running, "--yes", "--keep-topic").exception, LeaseError)
    assert len(removed) == done


def test_a_topic_that_cannot_be_emptied_keeps_all(running: Lake) -> None:
    """Kafka does not answer: nothing is half gone."""
    refused = run(running, "--yes", "--bootstrap", "127.0.0.1:1").exception
    assert isinstance(refused, BrokerError)
    assert running.count() == 7


@pytest.mark.parametrize("done", range(3))
def test_cut_off_no_start_goes_on_and_a_second_time_ends_it(
    running: Lake, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    """Killed before the next of its three parts: half a lake is refused, never read on."""
    left, remove = iter(range(done)), objects.remove

    def dies(place: str) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        remove(place)

    monkeypatch.setattr(objects, "remove", dies)
    assert run(running, "--yes", "--keep-topic").exit_code
    monkeypatch.undo()
    if done:
        with pytest.raises(LogpondError, match=r"recover|reset"):
            running.admit()
    assert run(running, "--yes", "--keep-topic").exit_code == 0
    assert not root(running).exists()


def test_a_second_time_finds_nothing(running: Lake) -> None:
    """And is no fault."""
    assert [run(running, "--yes", "--keep-topic").exit_code for _ in range(2)] == [0, 0]


def test_a_lake_at_a_url_is_emptied_too(
    running: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Object by object; mutes, what people did and alerts that wait too, as in a folder."""
    monkeypatch.chdir(tmp_path)
    for table in TABLES.values():
        store.create(running.places, table)
    url = f"file://{running.places.lake}"
    far = Places.at(url)
    for place in (far.mutes, far.actions, far.catalog, far.outboxes):
        objects.put(objects.store(place), "one", b"{}")
    said = CliRunner().invoke(reset, ["--lake", url, "--yes", "--keep-topic"])
    assert (said.exit_code, [path for path in root(running).rglob("*") if path.is_file()]) == (
        0,
        [],
    )


@pytest.mark.broker
def test_the_topic_that_was_read_is_emptied(lake: Lake, topic: Topic, broker: Any) -> None:
    """It is the same one, and has no record; its offsets go on."""
    from confluent_kafka import Producer

    lake.topic = topic
    lake.admit({0: 0, 1: 0})
    lake.put(events([0]), table=LOGS)
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for _ in range(3):
        producer.produce(topic.name, b"x", partition=1)
    producer.flush()
    said = run(lake, "--yes", "--bootstrap", broker.bootstrap)

    assert said.exit_code == 0, said.output
    assert kafka.offsets(broker.connection, topic.name) == {0: (0, 0), 1: (3, 3)}
    assert kafka.describe(broker.connection, topic.name).id == topic.id


@pytest.mark.broker
def test_another_topic_of_that_name_is_left_alone(running: Lake, topic: Topic, broker: Any) -> None:
    """The lake read one with another id."""
    import msgspec
    from confluent_kafka import Producer

    topics = {topic.name: running.subscription}
    other = msgspec.structs.replace(running.manifest, topics=topics)
    running.checkpoint.adopt(other)
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce(topic.name, b"x", partition=0)
    producer.flush()

    assert run(running, "--yes", "--bootstrap", broker.bootstrap).exit_code == 0
    assert kafka.offsets(broker.connection, topic.name) == {0: (0, 1), 1: (0, 0)}
