"""History is judged without Spark as it would have been live, however its rows came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from click.testing import CliRunner, Result
from support.lakes import Lake
from support.trouble import CONFIG, put, spike
from support.windows import at

from anomaly.alerts.alert import Change, event_of
from anomaly.engine.incident import Incident
from anomaly.lake.detection import Detection, prepare_tables
from anomaly.lake.history import History, Judged
from anomaly.lake.incidents import incidents
from lakehouse import settings, store
from lakehouse.store import lock
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import MINUTES
from lakehouse.terminal.commands import program
from lakehouse.windows import recounted
from lakehouse.windows.close import close
from lakehouse.windows.horizon import horizon

pytestmark = pytest.mark.slow

MINUTE_COUNT = 150


@dataclass
class Past:
    """A lake whose rows come piece by piece."""

    lake: Lake
    pieces: int = 0
    told: list[Change] = field(default_factory=list)

    def arrive(self, rows: pa.Table) -> None:
        """One more commit of rows."""
        stamp = pa.array([f"writer-{self.pieces}:0"] * rows.num_rows, pa.string())
        name = rows.schema.get_field_index("_commit")
        self.lake.put(rows.set_column(name, rows.schema.field(name), stamp), f"{self.pieces}")
        self.pieces += 1

    def judge(self) -> Judged:
        """What `analyze` does."""
        constants = settings.load(lake=self.lake.places.lake).anomaly
        history = History(self.lake.places, constants, CONFIG, on_changes=self.told.extend)
        history.close()
        return history.judge()

    def found(self) -> list[Incident]:
        """What the table holds and is not withdrawn, as if it were found live."""
        return [_live(one) for one in by_time(incidents(self.lake.places)) if is_valid(one)]


def _live(one: Incident) -> Incident:
    return msgspec.structs.replace(one, of_past=False)


def is_valid(one: Incident) -> bool:
    """Whether it was not withdrawn."""
    return one.status != "withdrawn"


def by_time(found: list[Incident]) -> list[Incident]:
    """In order of opening."""
    return sorted(found, key=lambda one: (one.opened, one.incident_id))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """The rows of two and a half hours of a small shop with a spike, in order."""
    lake = Lake.at(tmp_path_factory.mktemp("rows"))
    put(lake, spike, MINUTE_COUNT)
    table = store.open_table(lake.places, LOGS).to_pyarrow_table()
    return table.sort_by([("timestamp", "ascending"), ("event_id", "ascending")])


@pytest.fixture(scope="module")
def live(rows: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> list[Incident]:
    """What detection wrote that was there all the time: twenty minutes at a time."""
    lake = Lake.at(tmp_path_factory.mktemp("live"))
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    lake.put(rows)
    for minute in (*range(20, MINUTE_COUNT, 20), MINUTE_COUNT - 1):
        for _ in close(lake.places, MINUTES, at(minute)):
            pass
        detection = Detection(lake.places, CONFIG)
        detection()
        detection.addresses()
    found = by_time(incidents(lake.places))
    assert {one.key for one in found} >= {"shop /cart"}
    return found


def between(rows: pa.Table, first: int, end: int) -> pa.Table:
    """The rows of some minutes."""
    times = rows["timestamp"].to_pylist()
    return rows.filter(pa.array([at(first) <= time < at(end) for time in times]))


def with_a_drop(rows: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The rows of 98 minutes, of which nine in ten of the last 18 come late."""
    early, drop = between(rows, 0, 80), between(rows, 80, 98)
    late = pa.array([n % 10 > 0 for n in range(drop.num_rows)])
    return pa.concat_tables([early, drop.filter(pc.invert(late))]), drop.filter(late)


def backwards(rows: pa.Table) -> list[pa.Table]:
    """All of them at once, the last first."""
    return [rows.take(pa.array(range(rows.num_rows - 1, -1, -1)))]


def halves_backwards(rows: pa.Table) -> list[pa.Table]:
    """The second half of the time, and then the first."""
    return [between(rows, 75, MINUTE_COUNT), between(rows, 0, 75)]


def every_other(rows: pa.Table) -> list[pa.Table]:
    """Every other row, and then the rest: all but a minute of it is late."""
    return [rows.take(pa.array(range(n, rows.num_rows, 2))) for n in (0, 1)]


@pytest.mark.parametrize("pieces", [lambda rows: [rows], backwards, halves_backwards, every_other])
def test_history_is_judged_as_live(
    lake: Lake, rows: pa.Table, live: list[Incident], pieces: Callable[[pa.Table], list[pa.Table]]
) -> None:
    """Each incident to the digit, with its samples, in whatever order the rows came."""
    past = Past(lake)
    for piece in pieces(rows):
        past.arrive(piece)
        past.judge()
    assert past.found() == live


@pytest.mark.spark
@pytest.mark.slow
def test_history_is_judged_as_spark_closes_it(
    lake: Lake, rows: pa.Table, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`detect --once` on one lake, `analyze` on the other, and `detect --once` then: the same."""
    from multiprocessing import get_context

    detected, past = Lake.at(tmp_path_factory.mktemp("detected")), Past(lake)
    detected.put(rows)
    past.arrive(backwards(rows)[0])
    past.judge()
    for one in (detected, lake):
        process = get_context("spawn").Process(target=detect_once, args=(one.places.lake,))
        process.start()
        process.join(140)
        assert process.exitcode == 0
    assert past.found() == by_time(incidents(detected.places))
    assert {one.of_past for one in incidents(lake.places)} == {True}
    closed = [store.open_table(one.places, MINUTES.name) for one in (detected, lake)]
    assert horizon(closed[0]) == horizon(closed[1])


def detect_once(lake: str) -> None:
    """`logpond detect --once`, in a process of its own: its JVM is not that of the tests."""
    words = ["detect", "--once", "--lake", lake]
    CliRunner().invoke(program("anomaly"), words, catch_exceptions=False)


def test_what_is_found_in_history_calls_nobody(lake: Lake, rows: pa.Table) -> None:
    """It is marked; a detection that starts later neither changes nor posts it."""
    past = Past(lake)
    past.arrive(rows)
    assert past.judge().new
    assert {one.of_past for one in incidents(lake.places)} == {True}
    posted: list[Change] = []
    assert Detection(lake.places, CONFIG, on_changes=posted.extend)() == []
    assert posted == []


def test_a_second_run_changes_nothing(lake: Lake, rows: pa.Table) -> None:
    """Nor does it write: the table keeps its version."""
    past = Past(lake)
    past.arrive(rows)
    past.judge()
    version = store.open_table(lake.places, "anomalies").version()
    assert past.judge().changes == []
    assert store.open_table(lake.places, "anomalies").version() == version


def test_late_rows_withdraw_what_they_explain(lake: Lake, rows: pa.Table) -> None:
    """A drop that was only rows on their way is withdrawn, and told if it was posted."""
    past = Past(lake)
    on_time, late = with_a_drop(rows)
    past.arrive(on_time)
    gone = past.judge().new
    assert {one.direction for one in gone} == {"down"}
    past.arrive(late)
    judged = past.judge()
    assert {one.incident_id for one in judged.withdrawn} == {one.incident_id for one in gone}
    assert all("came late" in one.sentence for one in judged.withdrawn)
    ended = [one for one in past.told if one.after.status == "withdrawn"]
    assert {event_of(one, was_sent=True) for one in ended if not one.after.parent} == {"withdrawn"}
    assert {event_of(one, was_sent=False) for one in ended} == {None}


def test_what_was_raised_stays_when_constants_change(lake: Lake, rows: pa.Table) -> None:
    """Neither analysis nor a start of detection changes it, or adds to it; later minutes count."""
    past = Past(lake)
    past.arrive(between(rows, 0, 130))
    past.judge()
    before = by_time(incidents(lake.places))
    other = msgspec.structs.replace(
        CONFIG, incidents=msgspec.structs.replace(CONFIG.incidents, open=4.0, stay=2.0)
    )
    assert other.hash != CONFIG.hash
    assert Detection(lake.places, other)() == []
    constants = settings.load(lake=lake.places.lake).anomaly
    assert History(lake.places, constants, other).judge().changes == []
    assert by_time(incidents(lake.places)) == before


def test_a_crash_after_the_recount_is_mended(lake: Lake, rows: pa.Table) -> None:
    """Minutes are counted again, nothing is judged: a start of detection, then analysis."""
    past = Past(lake)
    on_time, late = with_a_drop(rows)
    past.arrive(on_time)
    past.judge()
    past.arrive(late)
    History(lake.places, settings.load(lake=lake.places.lake).anomaly, CONFIG).close()
    assert recounted.since(lake.places) == at(80)
    assert not [one for one in Detection(lake.places, CONFIG).open if one.direction == "down"]
    assert past.judge().withdrawn
    assert recounted.since(lake.places) is None


def analyze(lake: Lake, *words: str) -> Result:
    """The command."""
    given = ["analyze", *words, "--lake", lake.places.lake]
    return CliRunner().invoke(program("anomaly"), given, catch_exceptions=False)


def test_a_lake_of_files_needs_no_detection(lake: Lake, rows: pa.Table) -> None:
    """One command closes, judges and lists, and says where to look."""
    Past(lake).arrive(rows)
    said = analyze(lake)
    assert said.exit_code == 0
    assert "shop /cart" in said.stdout
    assert "logpond anomalies --since" in said.stderr
    assert "no new incident" in analyze(lake, "--summary").stdout


def test_beside_a_running_detection_nothing_is_written(lake: Lake, rows: pa.Table) -> None:
    """Its minutes win: they are judged as they are, and that is said."""
    past = Past(lake)
    past.arrive(between(rows, 0, 120))
    past.judge()
    past.arrive(between(rows, 120, MINUTE_COUNT))
    version = store.open_table(lake.places, MINUTES.name).version()
    with lock.alone(lake.places.ledger("minutes"), "detection"):
        said = analyze(lake)
    assert "shop /cart" in said.stdout
    assert "detection runs" in said.stderr
    assert store.open_table(lake.places, MINUTES.name).version() == version


def test_an_older_file_is_judged_beside_a_running_detection(lake: Lake, rows: pa.Table) -> None:
    """What it has is not touched; what came late is found, and found the same once it stopped."""
    live, past = Past(lake), Past(lake, pieces=100)
    older = rows.set_column(
        rows.schema.get_field_index("service"),
        rows.schema.field("service"),
        pa.array(["old"] * rows.num_rows, pa.string()),
    )
    live.arrive(between(rows, 0, 60))
    live.arrive(between(rows, MINUTE_COUNT - 5, MINUTE_COUNT))
    live.judge()
    before, minutes = incidents(lake.places), store.open_table(lake.places, MINUTES.name).version()
    past.arrive(between(older, 0, 140))
    with lock.alone(lake.places.ledger("minutes"), "detection"):
        said = analyze(lake, "--summary").stdout
        assert "incidents of the past" in said or "incident of the past" in said
        assert "no new incident" in analyze(lake, "--summary").stdout
    assert store.open_table(lake.places, MINUTES.name).version() == minutes
    added = [one for one in incidents(lake.places) if one not in before]
    assert {one.key for one in added} >= {"old /cart"}
    past.judge()
    kept = {one.incident_id for one in incidents(lake.places) if is_valid(one)}
    assert {one.incident_id for one in added if one.service} <= kept


def test_a_trial_closes_minutes_and_writes_no_incident(lake: Lake, rows: pa.Table) -> None:
    """The plain method is shown only."""
    Past(lake).arrive(rows)
    assert "shop" in analyze(lake, "--method", "zscore").stdout
    assert incidents(lake.places) == []
