"""Minutes are closed, folded and written down; a start anywhere repeats and loses nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from support.lakes import Lake
from support.windows import DAY, at, logged

from anomaly.commands.series import constants
from anomaly.engine.engine import Engine, State
from anomaly.engine.incident import Incident, with_evidence
from anomaly.lake.detection import Detection, prepare_tables
from anomaly.lake.fold import fold
from anomaly.lake.incidents import incidents, incidents_of, rows_of, write
from anomaly.lake.job import query
from anomaly.lake.minutes import closed_minutes, minutes_of
from anomaly.lake.snapshots import Snapshots
from lakehouse import settings, store
from lakehouse.store import lock
from lakehouse.tables.catalog import ANOMALIES
from lakehouse.tables.rollups import MINUTES
from lakehouse.terminal.commands import program
from lakehouse.windows.close import close

CONFIG = constants(None)
WARM, BURST, END = 60, (70, 78), 110


@pytest.fixture
def troubled(lake: Lake) -> Lake:
    """A lake of an hour and three quarters; for eight minutes half of the requests fail."""
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    chance = np.random.default_rng(3)
    times, codes = list[datetime](), list[int]()
    for minute in range(END):
        count = int(chance.poisson(120))
        failing = 0.5 if BURST[0] <= minute < BURST[1] else 0.01
        times += [at(minute) + timedelta(seconds=60 * n / count) for n in range(count)]
        codes += [503 if chance.random() < failing else 200 for _ in range(count)]
    lake.put(logged(times, status_code=codes, response_time=40.0, _commit="writer:0"))
    return lake


def close_up_to(lake: Lake, minute: int) -> None:
    """Close the minutes before this one."""
    for _ in close(lake.places, MINUTES, at(minute)):
        pass


def written(lake: Lake) -> list[Incident]:
    """What the table holds, in order of opening."""
    rows = incidents(lake.places)
    return sorted(rows, key=lambda one: (one.opened, one.incident_id))


def folded(incidents: Iterable[Incident]) -> list[Incident]:
    """What the minutes alone say of them, in order of opening."""
    bare = (with_evidence(one, [], []) for one in incidents)
    return sorted(bare, key=lambda one: (one.opened, one.incident_id))


def test_a_burst_of_errors_is_found_and_closed(troubled: Lake) -> None:
    """Within two minutes, for the endpoint, its service and all: one trouble, that of the first."""
    close_up_to(troubled, END)
    Detection(troubled.places, CONFIG)()

    found = [one for one in written(troubled) if one.measure == "server_errors"]
    assert {one.scope for one in found} == {"global", "service", "endpoint"}
    assert all(at(BURST[0]) <= one.opened <= at(BURST[0] + 2) for one in found)
    assert all(one.status == "closed" and one.direction == "up" for one in found)
    (told,) = (one for one in found if not one.parent)
    assert told.scope == "endpoint"
    assert {one.parent for one in found if one != told} == {told.incident_id}


@pytest.mark.slow
def test_a_fold_in_pieces_gives_what_one_fold_gives(troubled: Lake) -> None:
    """Detection step by step, with a restart in the middle of the incident, equals analysis."""
    for minute in (30, 65, 72, 75, 76, 90, END):
        close_up_to(troubled, minute)
        Detection(troubled.places, CONFIG)()

    table = store.open_table(troubled.places, MINUTES.name)
    whole = fold(Engine(CONFIG), closed_minutes(table))
    assert folded(written(troubled)) == folded(whole.values())


@pytest.mark.slow
def test_a_running_detection_gives_what_a_new_one_gives(troubled: Lake) -> None:
    """Only what is new is folded, and told."""
    told: list[Incident] = []
    running = Detection(troubled.places, CONFIG, told.append)
    for minute in (40, 73, 80, END):
        close_up_to(troubled, minute)
        running()
    assert written(troubled) == [one for one in written(troubled) if one in told]
    assert Detection(troubled.places, CONFIG)() == []


@pytest.mark.slow
def test_what_a_crash_left_unwritten_is_written_by_the_next_start(troubled: Lake) -> None:
    """The minutes are there, the incidents are not."""
    close_up_to(troubled, END)
    told = Detection(troubled.places, CONFIG)()
    nothing = ANOMALIES.columns.empty_table()
    all_rows = partial(store.Replacement, nothing, "incident_id IS NOT NULL")
    store.replace(troubled.places, ANOMALIES, lambda _current: all_rows())

    assert written(troubled) == []
    assert Detection(troubled.places, CONFIG)() == told


@pytest.mark.slow
def test_an_incident_that_is_written_already_is_no_commit(troubled: Lake) -> None:
    """Repeating changes nothing, not even a version."""
    close_up_to(troubled, END)
    Detection(troubled.places, CONFIG)()
    before = store.open_table(troubled.places, ANOMALIES).version()

    known = {one.incident_id: one for one in written(troubled)}
    assert write(troubled.places, known, CONFIG) == []
    assert store.open_table(troubled.places, ANOMALIES).version() == before


@pytest.mark.slow
def test_rows_and_incidents_are_the_same_thing(troubled: Lake) -> None:
    """What is written comes back as it was, each field of it."""
    close_up_to(troubled, END)
    (first, *_) = Detection(troubled.places, CONFIG)()
    assert incidents_of(rows_of([first])) == [first]
    assert {*ANOMALIES.columns.names} - {"date"} == {f.name for f in msgspec.structs.fields(first)}


def test_minutes_are_those_of_the_table(troubled: Lake) -> None:
    """Counts, errors and latencies of each minute, in order, summed up to everything."""
    close_up_to(troubled, 3)
    table = store.open_table(troubled.places, MINUTES.name)
    rows = table.to_pyarrow_table().sort_by("window_start").to_pylist()

    for row, minute in zip(rows, minutes_of(table.to_pyarrow_table()), strict=True):
        assert datetime.fromtimestamp(minute.at * 60, DAY.tzinfo) == row["window_start"]
        assert set(minute.requests) == {row["request_count"]}
        assert set(minute.server_errors) == {row["server_errors"]}
        assert set(minute.latency.totals()) == {row["request_count"]}
        assert minute.latency.quantile(0.95) == pytest.approx([40.0] * 3, rel=0.02)


def test_names_out_of_logs_are_inert(lake: Lake) -> None:
    """No control character, and nothing that turns a line, comes into a sentence."""
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    times = [at(minute) for minute in range(3)]
    lake.put(logged(times, endpoint="/\x1b[2J\u202eevil[bold]", _commit="writer:0"))
    close_up_to(lake, 2)

    (minute, _) = minutes_of(store.open_table(lake.places, MINUTES.name).to_pyarrow_table())
    assert str(minute.keys[-1]).isprintable()
    assert minute.keys[-1].endpoint == "/\ufffd[2J\ufffdevil[bold]"


@pytest.mark.slow
def test_a_snapshot_is_as_good_as_all_minutes(troubled: Lake) -> None:
    """A fold that starts from it gives the same incidents."""
    close_up_to(troubled, 74)
    snapshots, engine = Snapshots(troubled.places, CONFIG, "state", 8), Engine(CONFIG)
    table = store.open_table(troubled.places, MINUTES.name)
    fold(engine, closed_minutes(table))
    snapshots.keep("2026-04-29", engine.dump())
    close_up_to(troubled, END)
    table = store.open_table(troubled.places, MINUTES.name)
    kept = snapshots.newest(State, partial(Engine.load, CONFIG))

    assert kept is not None
    assert kept.folded_to == engine.folded_to
    later = fold(kept, closed_minutes(table, kept.folded_to))
    all_of_them = fold(Engine(CONFIG), closed_minutes(table))
    assert later == {name: one for name, one in all_of_them.items() if name in later}
    assert later


def other_columns() -> bytes:
    """A state of a version that kept other columns: without one detector, say."""
    kept = Engine(CONFIG).dump()
    columns = {name: one for name, one in kept.columns.items() if name != "detector Traffic"}
    return msgspec.msgpack.encode(msgspec.structs.replace(kept, columns=columns))


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"\x81", b"", other_columns()])
def test_a_snapshot_that_cannot_be_read_costs_time_only(troubled: Lake, content: bytes) -> None:
    """Half written, or of another version of the code: all minutes are folded again."""
    close_up_to(troubled, END)
    first = Detection(troubled.places, CONFIG)()
    kept = Path(troubled.places.ledger("minutes")) / "state" / f"2026-04-29-{CONFIG.hash}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(content)

    table = store.open_table(troubled.places, ANOMALIES)
    before = table.version()
    assert Detection(troubled.places, CONFIG)() == []
    assert first
    assert store.open_table(troubled.places, ANOMALIES).version() == before


@pytest.mark.slow
def test_explain_gives_the_same_numbers_again(troubled: Lake) -> None:
    """Whatever became of `logs`."""
    close_up_to(troubled, END)
    for one in Detection(troubled.places, CONFIG)():
        words = ["explain", one.incident_id, "--lake", troubled.places.lake]
        told = CliRunner().invoke(program("anomaly"), words).output
        assert told.startswith(one.sentence)
        assert told.endswith("give the same numbers\n")


@pytest.mark.slow
def test_commands_show_what_was_found(troubled: Lake) -> None:
    """`analyze` and `anomalies` tell the same incidents, as JSON too."""
    close_up_to(troubled, END)
    Detection(troubled.places, CONFIG)()
    where = ["--lake", troubled.places.lake, "--format", "json"]
    said = [
        CliRunner().invoke(program("anomaly"), [name, *where]).stdout
        for name in ("analyze", "anomalies")
    ]

    seen = [{n: v for n, v in one.items() if n != "people"} for one in json.loads(said[1])]
    assert json.loads(said[0]) == seen
    assert len(json.loads(said[0])) == len(written(troubled)) > 0
    assert (
        CliRunner().invoke(program("anomaly"), ["anomalies", *where, "--open"]).output.strip()
        == "[]"
    )


@pytest.mark.parametrize("words", [["analyze", "--dry-run"], ["anomalies"]])
def test_where_nothing_was_found_it_says_what_that_takes(troubled: Lake, words: list[str]) -> None:
    """Ten minutes are no history: the list is empty, and a line says from when on one judges."""
    close_up_to(troubled, 10)
    Detection(troubled.places, CONFIG)()
    said = CliRunner().invoke(program("anomaly"), [*words, "--lake", troubled.places.lake])
    assert (said.exit_code, "45 min of history" in said.stderr) == (0, True)


@pytest.mark.slow
@pytest.mark.parametrize("mode", [["--mode", "analyze"], ["--mode=analyze"], ["analyze"]])
def test_the_program_goes_by_its_mode(troubled: Lake, mode: list[str]) -> None:
    """`python -m anomaly --mode analyze` is its command of that name."""
    close_up_to(troubled, END)
    words = [sys.executable, "-m", "anomaly", *mode, "--lake", troubled.places.lake]
    told = subprocess.run([*words, "--format", "json"], capture_output=True, text=True, check=True)
    assert {"global", "service", "endpoint"} <= {one["scope"] for one in json.loads(told.stdout)}


@pytest.mark.slow
def test_what_was_staged_is_graded(troubled: Lake, tmp_path: Path) -> None:
    """Found within two minutes; a label that nothing was found of is missed, and told as such."""
    close_up_to(troubled, END)
    Detection(troubled.places, CONFIG)()
    staged = [
        {"kind": "error-burst", "start": at(first), "end": at(end), "service": "shop"}
        for first, end in (BURST, (20, 25))
    ]
    labels = tmp_path / "labels.ndjson"
    labels.write_bytes(b"\n".join(msgspec.json.encode(label) for label in staged))
    words = ["evaluate", str(labels), "--lake", troubled.places.lake]
    told = CliRunner().invoke(program("anomaly"), [*words, "--format", "json"])
    said = json.loads(told.stdout)

    assert [row["found"] for row in said["labels"]] == [True, False]
    assert 0 < said["labels"][0]["after_seconds"] <= 180
    (total,) = said["totals"]
    assert (total["recall"], total["false"], total["precision"]) == (0.5, 0, 1.0)


@pytest.mark.spark
@pytest.mark.slow
def test_detect_once_closes_and_finds(troubled: Lake, tmp_path: Path) -> None:
    """The program by itself: Spark says which minutes are over, and the burst is told."""
    from multiprocessing import get_context

    asked = troubled.places.lake
    process = get_context("spawn").Process(target=detect_once, args=(asked, str(tmp_path / "said")))
    process.start()
    process.join(200)

    assert process.exitcode == 0
    assert "server errors" in (tmp_path / "said").read_text()
    with lock.alone(troubled.places.ledger("minutes"), "detection"):
        assert {one.status for one in written(troubled)} == {"closed"}


@pytest.mark.spark
@pytest.mark.slow
def test_what_a_stop_left_closed_is_folded_at_the_end(troubled: Lake, spark: Any) -> None:
    """The query has nothing to close any more, and tells nobody."""
    detection, failures = Detection(troubled.places, CONFIG), list[Exception]()
    close_up_to(troubled, END)
    asked = settings.load(lake=troubled.places.lake, kafka_bootstrap="localhost:1")
    query(spark, asked, detection, failures.append).once()

    assert failures == []
    assert {one.measure for one in written(troubled)} == {"server_errors"}


def detect_once(lake: str, said: str) -> None:
    """`logpond detect --once`, in a process of its own: its JVM is not that of the tests."""
    told = CliRunner().invoke(
        program("anomaly"), ["detect", "--once", "--lake", lake], catch_exceptions=False
    )
    Path(said).write_text(told.output)
