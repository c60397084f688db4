"""A crash of the machine leaves the newest files empty or half: words, and a way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from deltalake import DeltaTable
from support.lakes import QUERY, TABLES, Lake

from analytics.look.status import status
from lakehouse import store
from lakehouse.errors import CheckpointError, LogpondError, TableError
from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime.kafka_connection import Connection
from streaming.repair import tables
from streaming.repair.recover import recover

pytestmark = pytest.mark.slow

WAYS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _content: b"",
    "half": lambda content: content[: len(content) // 2],
    "zeros": lambda content: bytes(len(content)),
}


def tear(file: Path, how: str) -> Path:
    """Leave a file as a crash of the machine may leave it."""
    file.write_bytes(WAYS[how](file.read_bytes()))
    return file


def newest_entry(lake: Lake, table: str) -> Path:
    """The newest commit of a table."""
    return max(Path(lake.places.delta_log(table)).glob("*.json"))


def repaired(lake: Lake) -> list[tables.Repair]:
    """What was put aside."""
    return [*tables.repair(lake.places, ["quarantine", "logs"])]


def taken_again(lake: Lake) -> None:
    """Recover the checkpoint, and read what the tables lack up to where they ended."""
    writers = {table.name: store.Writer(lake.places, table) for table in TABLES}
    first = {lake.topic.name: {0: 0}}
    done = recover(lake.places, QUERY, [lake.topic], first, writers, TABLES, 1)
    lake.admit()
    if done.start != {0: 9}:
        lake.batch(0, {0: 9}, bad={2, 7})


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("table", ["logs", "quarantine"])
def test_a_torn_entry_of_a_log_costs_its_records_until_they_are_taken_again(
    running: Lake, table: str, how: str
) -> None:
    """The words name file and command; nothing is deleted, versions keep their numbers."""
    entry = tear(newest_entry(running, table), how)
    with pytest.raises(TableError, match=entry.name) as error:
        store.open_table(running.places, table)
    assert "logpond recover tables" in error.value.remedy

    [done] = repaired(running)

    assert (done.table, done.file) == (table, f"_delta_log/{entry.name}")
    assert [*Path(running.places.table(table), "_torn").iterdir()]
    assert store.open_table(running.places, table).version() == int(entry.stem)
    taken_again(running)
    assert verify(running.places).ok
    assert running.count() + running.count("quarantine") == 9


@pytest.mark.parametrize("how", WAYS)
def test_a_torn_data_file_is_taken_out(running: Lake, how: str) -> None:
    """Its rows are named, and come back."""
    added = store.open_table(running.places, "logs").file_uris()[0]
    tear(Path(added.removeprefix("file://")), how)

    [done] = repaired(running)

    assert done.what == "a data file"
    assert done.rows
    taken_again(running)
    assert verify(running.places).ok


@pytest.mark.parametrize("how", WAYS)
def test_a_torn_checkpoint_of_a_log_costs_nothing(running: Lake, how: str) -> None:
    """The entries are there."""
    DeltaTable(running.places.table("logs")).create_checkpoint()
    tear(next(Path(running.places.delta_log("logs")).glob("*.checkpoint.parquet")), how)

    assert [done.rows for done in repaired(running)] == [0]
    assert verify(running.places).ok


def test_whole_tables_are_left_alone(running: Lake) -> None:
    """Also when it is called twice."""
    tear(newest_entry(running, "logs"), "half")
    assert repaired(running)
    assert repaired(running) == []


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize(
    "name", [f"{QUERY}/metadata", f"{QUERY}/offsets/1", f"{QUERY}/commits/1", "ledger"]
)
def test_a_torn_file_of_a_checkpoint_is_words_and_a_way_back(
    running: Lake, name: str, how: str
) -> None:
    """For every command that reads it; after `recover` the promise holds."""
    ledger = Path(running.places.ledger(QUERY)) / "manifest.json"
    file = ledger if name == "ledger" else Path(running.places.checkpoints) / name
    tear(file, how)

    commands = [verify, _admitted(running)]
    if name != "ledger":  # which status reads only beside a broker
        commands.append(lambda at: status(at, Connection("127.0.0.1:1")))
    for command in commands:
        with pytest.raises(CheckpointError, match=file.name) as error:
            command(running.places)
        assert "logpond recover ingest" in error.value.remedy

    taken_again(running)
    assert verify(running.places).ok


def _admitted(lake: Lake) -> Callable[[Places], object]:
    return lambda _places: lake.admit()


@pytest.mark.parametrize("how", WAYS)
def test_a_torn_plan_is_words_and_a_way_back(lake: Lake, how: str) -> None:
    """Its records are read again."""
    lake.admit()
    lake.batch(0, {0: 9}, bad={2, 7}, crash="planned")
    plan = next(Path(lake.places.plans(QUERY)).rglob("*.json"))
    tear(plan, how)
    with pytest.raises(LogpondError, match=plan.name):
        lake.batch(0, {0: 9}, bad={2, 7})

    taken_again(lake)
    assert verify(lake.places).ok


def test_the_command_says_what_went_and_what_comes_next(running: Lake) -> None:
    """By name, with the command that takes it again."""
    from streaming.commands.stream import recover as command

    tear(newest_entry(running, "logs"), "half")
    words = ["tables", "--lake", running.places.lake]

    done = CliRunner().invoke(command, words)

    assert done.exit_code == 0
    assert "logs: _delta_log/" in done.output
    assert "`logpond recover ingest`" in done.output
    assert CliRunner().invoke(command, words).output == "every table is whole\n"
    assert Checkpoint(running.places, QUERY).progress()
