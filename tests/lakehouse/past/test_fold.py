"""What is noted is noted once, whatever dies, and by whomever."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.bucket import Bucket
from support.lakes import Lake
from support.pasts import Diary

from lakehouse import maintenance, past, store
from lakehouse.errors import TableError
from lakehouse.past.entry import Totals
from lakehouse.past.ledger import Ledger, Segment, in_order
from lakehouse.paths import Places
from lakehouse.store import objects
from lakehouse.tables.catalog import LOGS

pytestmark = pytest.mark.slow

STEPS = ("append", "put_spans", "tidy", "delete_all")


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def diary(lake: Lake) -> Diary:
    """Twelve commits over three hours, in merged files."""
    made = Diary(lake)
    made.commits(12, timedelta(minutes=15))
    maintenance.optimize(lake.places, "logs")
    return made


def ledger(diary: Diary) -> Ledger:
    """The ledger of `logs` as it is stored."""
    places = diary.lake.places
    return Ledger(places, "logs", str(store.open_table(places, LOGS).metadata().id))


def forget(diary: Diary) -> None:
    """Make the newest version the only one that Delta can read."""
    places = diary.lake.places
    store.open_table(places, LOGS).create_checkpoint()
    log = Path(places.delta_log("logs"))
    for version in range(diary.version):
        (log / f"{version:020d}.json").unlink()


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("is_done", [False, True])
def test_a_death_at_any_step_loses_nothing(
    diary: Diary, monkeypatch: pytest.MonkeyPatch, step: str, is_done: bool
) -> None:
    """The next one notes what is missing, before the log may go."""
    past.fold(diary.lake.places, "logs", upto=5)
    diary.commits(3, timedelta(minutes=20))
    of = objects if step == "delete_all" else Ledger
    original = getattr(of, step)

    def dies(*args: Any, **more: Any) -> None:
        if is_done:
            original(*args, **more)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(of, step, dies)
        with pytest.raises(Killed):
            past.fold(diary.lake.places, "logs")
    past.fold(diary.lake.places, "logs")
    forget(diary)

    versions = ledger(diary).entries(0, 100, ("version",))["version"].to_pylist()
    assert versions == [*range(diary.version + 1)]
    assert diary.differing() == []


def test_one_that_comes_late_changes_nothing(diary: Diary) -> None:
    """Its segment is shorter than one that is there."""
    places = diary.lake.places
    past.fold(places, "logs", upto=4)
    late = ledger(diary)
    past.fold(places, "logs")
    entries = [past.commit_of(places, "logs", version) for version in (5, 6)]
    late.append(6, [one for one in entries if one], Totals(), Totals())
    forget(diary)

    assert ledger(diary).last == diary.version
    assert diary.differing() == []


def test_a_log_that_goes_meanwhile_is_not_taken_for_an_empty_one(
    diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process notes and trims the same while this one reads: it looks again."""
    places, original = diary.lake.places, Ledger.spans
    others: list[int] = []

    def overtaken(self: Ledger) -> Any:
        if not others:
            others.append(1)
            found = original(self)
            past.fold(places, "logs")
            forget(diary)
            return found
        return original(self)

    monkeypatch.setattr(Ledger, "spans", overtaken)
    past.fold(places, "logs")

    assert ledger(diary).entries(0, 100, ("rows",))["rows"].to_pylist().count(0) < 6
    assert diary.differing() == []


def test_lost_spans_cost_time_and_no_row(diary: Diary) -> None:
    """Rows of all files are looked at then."""
    past.fold(diary.lake.places, "logs")
    forget(diary)
    at = objects.store(ledger(diary).root)
    for name in [name for name in objects.names(at, "") if "spans" in name]:
        objects.delete(at, name)

    assert diary.differing() == []


def test_a_torn_ledger_is_said(diary: Diary) -> None:
    """With what to do, and no stack trace."""
    past.fold(diary.lake.places, "logs")
    forget(diary)
    found = ledger(diary)
    Path(found.root, found.segments[-1].name).write_bytes(b"oops")

    with pytest.raises(TableError, match="the ledger of commits of table logs"):
        diary.read(3)


def test_data_files_that_are_gone_leave_the_checksum_open(diary: Diary) -> None:
    """Rows are read as they were; what they add up to is not known."""
    places = diary.lake.places
    needed = store.data_files(store.open_table(places, LOGS))["path"].to_pylist()
    root = Path(places.table("logs"))
    for file in [
        file for file in root.glob("date=*/*/*") if str(file.relative_to(root)) not in needed
    ]:
        file.unlink()
    past.fold(places, "logs")
    forget(diary)

    found = past.state(places, "logs", version=5).past
    assert found
    assert (found.rows, found.checksum) == (diary.notes[5][0], None)
    assert diary.differing() == []


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([(0, 5), (6, 9)], [(0, 5), (6, 9)]),
        ([(0, 5), (6, 8), (6, 9)], [(0, 5), (6, 9)]),
        ([(0, 5), (0, 9), (6, 9)], [(0, 9)]),
        ([(0, 5), (4, 9)], [(0, 5), (4, 9)]),
        ([(0, 5), (7, 9)], [(0, 5)]),
        ([(3, 5), (6, 9)], [(3, 5), (6, 9)]),
    ],
)
def test_segments_follow_each_other(
    found: list[tuple[int, int]], expected: list[tuple[int, int]]
) -> None:
    """The longest of those that fit, and none behind a gap."""
    assert in_order(Segment(*one) for one in found) == [Segment(*one) for one in expected]


@pytest.mark.slow
def test_in_a_bucket_too(bucket: Bucket) -> None:
    """Its own files are asked for, and no others."""
    diary = Diary(Lake(Places(bucket.url, f"{bucket.url}/_checkpoints")))
    diary.commits(12, timedelta(minutes=15))
    maintenance.optimize(diary.lake.places, "logs")
    past.fold(diary.lake.places, "logs")
    store.open_table(diary.lake.places, LOGS).create_checkpoint()
    at = objects.store(diary.lake.places.delta_log("logs"))
    objects.delete_all(at, [f"{version:020d}.json" for version in range(diary.version)])

    assert diary.differing() == []
    assert past.state(diary.lake.places, "logs", version=5).past
