"""The real job, micro-batch by micro-batch: each record once, whatever happens in between."""

from __future__ import annotations

import json
import pickle
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from support.jobs import Crash, Job
from support.lakes import Lake, events, raw_rows, records
from support.records import message

from lakehouse import store
from lakehouse.decode import Decoded, Limits, decode
from lakehouse.tables.catalog import LOGS, QUARANTINE

pytestmark = pytest.mark.spark

BATCHES = (records(range(6), bad={1}), records(range(6, 12), bad={8}), records(range(12, 18)))
EVERY = [(0, n) for n in range(18)]
BAD = [(0, 1), (0, 8)]


@pytest.fixture
def job(lake: Lake, spark: Any, tmp_path: Path) -> Job:
    """The query of an empty lake, three batches waiting."""
    made = Job(lake, spark, tmp_path / "source")
    made.arrive(*BATCHES)
    return made


def versions(lake: Lake) -> list[int]:
    """The versions of both tables."""
    return [store.open_table(lake.places, table).version() for table in (LOGS, QUARANTINE)]


def lose_files(lake: Lake, table: str, batch: int = 1) -> None:
    """Remove the files that were planned for a table."""
    plans = [p for p in lake.plans.all(lake.manifest.query_id) if p.batch == batch]
    for file in [file for plan in plans for file in plan.files_of(table)]:
        (Path(lake.places.table(table)) / file.path).unlink()


def assert_each_once(lake: Lake, bad: list[tuple[int, int]] = BAD) -> None:
    """Every record is in one table, and only once."""
    assert lake.coordinates(QUARANTINE) == bad
    assert lake.coordinates(LOGS) == [at for at in EVERY if at not in bad]


@pytest.fixture(scope="module")
def finished(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """The query at the end of its three batches, for tests that only look."""
    folder = tmp_path_factory.mktemp("finished")
    made = Job(Lake.at(folder), spark, folder / "source")
    made.arrive(*BATCHES)
    made.run()
    return made


def test_each_record_comes_in_once(finished: Job) -> None:
    """Three micro-batches: events in logs, rejects in quarantine, a commit each where there are."""
    assert_each_once(finished.lake)
    assert versions(finished.lake) == [3, 2]


def test_a_second_run_with_nothing_new_does_nothing(finished: Job) -> None:
    """No batch, no commit."""
    before = versions(finished.lake)

    finished.run()

    assert versions(finished.lake) == before


def test_rows_say_which_commit_brought_them(finished: Job) -> None:
    """Query id and batch."""
    logs = store.open_table(finished.lake.places, LOGS)
    rows = logs.to_pyarrow_table(columns=["_offset", "_commit"]).to_pylist()

    commits = {row["_offset"]: row["_commit"] for row in rows}
    assert commits[7] == f"{finished.lake.manifest.query_id}:1"


def test_plans_do_not_pile_up(finished: Job) -> None:
    """Only the last batch's plan is kept."""
    kept = finished.lake.plans.all(finished.lake.manifest.query_id)
    assert [plan.batch for plan in kept] == [2]


def test_a_restart_in_the_middle_goes_on(job: Job) -> None:
    """A crash after whichever step loses nothing and repeats nothing; what is planned stands."""
    for crash in ("decoded:0", "planned:0", "quarantine:1", "logs:2"):
        job.run(crash=crash)
        assert isinstance(job.failure, Crash)
    job.run()

    assert_each_once(job.lake)
    assert [job.steps.count(f"decoded:{batch}") for batch in range(3)] == [2, 1, 1]


@pytest.mark.parametrize("step", ["planned", "quarantine"])
def test_a_decode_that_changed_does_not_change_a_plan(job: Job, step: str) -> None:
    """A batch that was planned is what its plan says; the next one is decoded the new way."""

    def nothing_passes(raw: pa.RecordBatch, limits: Limits) -> Decoded:
        spoilt = pa.array([b"no" for _ in range(raw.num_rows)], pa.binary())
        return decode(raw.set_column(0, "value", spoilt), limits)

    job.run(crash=f"{step}:1")
    job.run(decoding=nothing_passes)

    assert_each_once(job.lake, [*BAD, *EVERY[12:]])


@pytest.mark.parametrize(
    ("step", "lost"), [("planned", "logs"), ("planned", "quarantine"), ("quarantine", "logs")]
)
def test_a_planned_file_that_is_gone_is_made_again(job: Job, step: str, lost: str) -> None:
    """The part of the batch that is not in the tables is decoded anew, and no more."""
    job.run(crash=f"{step}:1")
    lose_files(job.lake, lost)
    job.run()

    assert_each_once(job.lake)


def test_a_lost_file_and_a_changed_decode(job: Job) -> None:
    """What quarantine has already stays there, though it would pass now: no record is twice."""

    def everything_passes(raw: pa.RecordBatch, limits: Limits) -> Decoded:
        values = pa.array([good] * raw.num_rows, pa.binary())
        return decode(raw.set_column(0, "value", values), limits)

    good = message()
    job.run(crash="quarantine:1")
    lose_files(job.lake, "logs")
    job.run(decoding=everything_passes)

    assert_each_once(job.lake)


def test_a_crash_while_it_is_made_again(job: Job) -> None:
    """A second crash, in the repeated batch, is mended like the first."""
    job.run(crash="quarantine:1")
    lose_files(job.lake, "logs")
    job.run(crash="logs:1")
    job.run()

    assert_each_once(job.lake)


def test_a_stop_is_between_batches(job: Job) -> None:
    """Asked to stop, it finishes the batch and begins no other; the next start goes on."""
    job.run(is_stopping=lambda: "logs:0" in job.steps)
    assert job.lake.coordinates(LOGS) == [at for at in EVERY[:6] if at not in BAD]

    job.run()
    assert_each_once(job.lake)


def test_records_held_before_a_recovery_are_passed_over(job: Job) -> None:
    """Where a batch meets coordinates that are in the tables, only the others come in."""
    job.run(crash="quarantine:1")
    lose_files(job.lake, "logs")
    job.lake.put(events([6, 10]))
    job.run()

    rows = job.lake.coordinates(LOGS)
    assert len(rows) == len(set(rows)) == 16


def test_no_row_passes_through_the_driver(job: Job) -> None:
    """What comes back of 20,000 records is a few hundred bytes a file."""
    job.arrive(records(range(18, 20_018), bad={99}))

    job.run()

    (plan,) = job.lake.plans.all(job.lake.manifest.query_id)
    assert job.lake.count() == 20_015
    assert len(plan.files) <= 8
    assert max(len(pickle.dumps(file)) for file in plan.files) < 2_000


def test_hostile_payloads_leave_the_query_alive(job: Job, shared_data: Path) -> None:
    """Each of the parsing cases and naughty strings is in exactly one table, and more can come."""
    values = hostile(shared_data)
    job.arrive(raw_rows(values, [*range(18, 18 + len(values))]))
    job.run()
    after = 18 + len(values)
    job.arrive(records([after]))

    job.run()

    assert len(values) == 318 + 515
    assert job.lake.held() == [(0, n) for n in range(after + 1)]
    assert job.lake.count() + job.lake.count(QUARANTINE) == after + 1


def hostile(shared: Path) -> list[bytes | None]:
    """The parsing cases as they are, and each naughty string inside an event."""
    with tarfile.open(shared / "hostile" / "json_parsing_cases.tar.gz") as archive:
        files = [archive.extractfile(m) for m in archive if m.name.endswith(".json")]
        cases: list[bytes | None] = [file.read() for file in files if file]
    text = (shared / "hostile" / "big_list_of_naughty_strings.json").read_text()
    return cases + [message(path=s, user_agent=s) for s in json.loads(text)]
