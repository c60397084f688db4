"""A plan that stands counts: written once, found again, and only for its own records."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from support.lakes import Lake

from lakehouse.errors import CheckpointError
from lakehouse.ingest.plans import BatchPlan, Plans, is_whole
from lakehouse.ingest.raw_zone import ImportPlan
from lakehouse.store import objects


@pytest.fixture
def planned(lake: Lake) -> BatchPlan:
    """The plan of batch 0, both tables, nothing committed."""
    lake.adopt({0: 0})
    return lake.batch(0, {0: 5}, bad={2}, crash="planned")


def find(lake: Lake, plan: BatchPlan) -> BatchPlan | None:
    """What stands for the batch of a plan."""
    return lake.plans.find(plan.query_id, plan.batch, plan.start, plan.end)


def test_a_plan_is_found_as_it_was_written(lake: Lake, planned: BatchPlan) -> None:
    """Files, sizes, rows and statistics are the same after a restart."""
    assert find(lake, planned) == planned
    assert (planned.rows_of("logs"), planned.rows_of("quarantine")) == (4, 1)


EARLIER = {
    "web-ingest": (
        BatchPlan,
        b'{"query_id":"q","batch":3,"start":"{}","end":"{}","files":[],"attempt":1}',
        "q/3.1.json",
    ),
    "import": (
        ImportPlan,
        b'{"what":{"sha256":"a1","unpacked":"a1","path":"/x","size":1,"reading":{"format":"csv",'
        b'"compressed":false,"delimiter":",","header":true,"columns":["a"],"mapping":{"a":"ip"},'
        b'"constants":{},"utc":true},'
        b'"taken":"2026-05-01T12:00:00Z","imported_at":"2026-05-01T12:00:00Z","batch":2,'
        b'"records":1,"rejects":1,"dates":{}},"files":[{"table":"quarantine","path":"p","size":9,'
        b'"rows":1,"partition":{"date":"2026-05-01"},"stats":"{}"}],"replaces":[]}',
        "a1.2.json",
    ),
}


@pytest.mark.parametrize("name", EARLIER)
def test_a_plan_of_an_earlier_version_is_read(lake: Lake, name: str) -> None:
    """Its form on disk and its place stay: a crash may come before an upgrade."""
    kind, content, at = EARLIER[name]
    objects.put(objects.store(f"{lake.places.ledger(name)}/plans"), at, content)
    plans = Plans(lake.places, name, kind)
    (plan,) = plans.all(at.rpartition("/")[0])

    assert plan.name == at
    now, then = msgspec.json.decode(msgspec.json.encode(plan)), msgspec.json.decode(content)
    for what in (found["what"] for found in (now, then) if "what" in found):
        del what["reading"]
        what.setdefault("rows", None)
    assert now == {**then, **{name: type(now[name])() for name in now.keys() - then.keys()}}


def test_a_reading_of_an_earlier_version_has_todays_words() -> None:
    """Its zone, its form and the names of its format; it is marked as read by less."""
    content: bytes = EARLIER["import"][1]
    other = content.replace(b'"format":"csv"', b'"format":"access"')
    csv, access = (
        msgspec.json.decode(one, type=ImportPlan).what.reading for one in (content, other)
    )
    form = {"delimiter": ",", "header": True, "columns": ["a"], "former": True}
    assert (csv.format, csv.zone, csv.options) == ("csv", "UTC", form)
    assert (access.format, access.options) == ("access-log", {"former": True})


def test_without_a_plan_there_is_none(lake: Lake, planned: BatchPlan) -> None:
    """Neither another batch nor another query has it."""
    assert find(lake, msgspec.structs.replace(planned, batch=1, start=planned.end)) is None
    assert find(lake, msgspec.structs.replace(planned, query_id="other")) is None


def test_a_batch_begins_where_the_one_before_was_planned_to_end(
    lake: Lake, planned: BatchPlan
) -> None:
    """Offsets that a process without its lease wrote over would lose records, or repeat them."""
    astray = msgspec.structs.replace(planned, batch=1, start='{"web-logs":{"0":4}}')
    with pytest.raises(CheckpointError, match="lost its lease"):
        find(lake, astray)


def test_a_plan_of_other_records_is_not_taken_for_ours(lake: Lake, planned: BatchPlan) -> None:
    """As one that a process without its lease wrote, before we did."""
    with pytest.raises(CheckpointError, match="another range"):
        lake.plans.write(msgspec.structs.replace(planned, end='{"web-logs":{"0":6}}'))


def test_the_first_plan_stands(lake: Lake, planned: BatchPlan) -> None:
    """A second plan of the same attempt gives way: the one that stands is returned."""
    assert lake.plans.write(msgspec.structs.replace(planned, files=[])) == planned


def test_the_last_attempt_counts(lake: Lake, planned: BatchPlan) -> None:
    """A batch that was decoded anew is carried out as last planned; 10 is after 9."""
    again = [msgspec.structs.replace(planned, attempt=n, files=[]) for n in (9, 10)]
    for plan in again:
        lake.plans.write(plan)
    assert find(lake, planned) == again[1]


def test_each_attempt_has_its_own_key(planned: BatchPlan) -> None:
    """What one attempt committed does not pass for the other's, nor one table's for another's."""
    attempts = [planned, msgspec.structs.replace(planned, attempt=1)]
    assert len({plan.key(t) for plan in attempts for t in ("logs", "quarantine")}) == 4


@pytest.mark.parametrize("other", [{"start": '{"web-logs": {"0": 1}}'}, {"end": "{}"}], ids=str)
def test_a_plan_for_another_range_stops(
    lake: Lake, planned: BatchPlan, other: dict[str, str]
) -> None:
    """A batch that is asked for other records than were planned is refused."""
    with pytest.raises(CheckpointError, match="another range of records") as error:
        find(lake, msgspec.structs.replace(planned, **other))
    assert "recover ingest" in error.value.remedy


def test_plans_of_completed_batches_are_forgotten(lake: Lake, planned: BatchPlan) -> None:
    """Those of earlier batches go, whatever their attempt; the last one stays."""
    plans = [msgspec.structs.replace(planned, batch=b, attempt=a) for b in (9, 10) for a in (0, 1)]
    for plan in plans:
        lake.plans.write(plan)

    lake.plans.forget_before(planned.query_id, 10)

    kept = [(plan.batch, plan.attempt) for plan in lake.plans.all(planned.query_id)]
    assert sorted(kept) == [(10, 0), (10, 1)]


@pytest.mark.parametrize("table", ["logs", "quarantine"])
def test_a_missing_file_is_noticed(lake: Lake, planned: BatchPlan, table: str) -> None:
    """A plan is whole for the table whose files are there, and no other."""
    (file,) = planned.files_of(table)
    assert is_whole(lake.places, planned, table)

    (Path(lake.places.table(table)) / file.path).unlink()

    assert not is_whole(lake.places, planned, table)
    assert is_whole(lake.places, planned, "logs" if table == "quarantine" else "quarantine")


def test_a_file_of_another_size_is_noticed(lake: Lake, planned: BatchPlan) -> None:
    """A file that was cut short is not what was planned."""
    (file,) = planned.files_of("logs")
    path = Path(lake.places.table("logs")) / file.path
    path.write_bytes(path.read_bytes()[:-1])
    assert not is_whole(lake.places, planned, "logs")
