"""Versions of very many commits ago are read as they were when they were new."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter

import pyarrow as pa
import pytest
from support.lakes import QUERY, Lake
from support.pasts import Sums, checksum, sums
from support.windows import at, logged

from lakehouse import maintenance, past, store
from lakehouse.errors import TableError
from lakehouse.ingest.plans import BatchPlan, carry_out
from lakehouse.past.ledger import Ledger
from lakehouse.query.ask import Moment, ask
from lakehouse.settings import Upkeep
from lakehouse.store import files
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS
from streaming.upkeep.upkeep import Pass

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(3600)]
# How many fit into some minutes. By the rows' own time they take three days.
COMMITS = int(os.environ.get("LOGPOND_PAST_COMMITS", "6000"))
EVERY, ASKED, ROWS = 300, 1000, 4
STEP = timedelta(days=3) / COMMITS
QUESTION = "SELECT service, endpoint, count(*), avg(response_time) FROM logs GROUP BY ALL"
SETTINGS = Upkeep(small_files=30, history_commits=200, closed_after_minutes=3, memory_mb=128)


@dataclass
class Grown:
    """A lake of many commits: rows and checksum of some versions, noted when they were new."""

    lake: Lake
    notes: dict[int, Sums]
    folded: float

    def read(self, version: int) -> Sums:
        """Rows and checksum of a version as readers get it."""
        return sums(self.lake, past.state(self.lake.places, LOGS.name, version=version))


def committed(lake: Lake, writer: store.Writer, number: int, some: pa.Table) -> None:
    """Commit the rows of a batch as the driver does, by its plan."""
    name = LOGS.columns.get_field_index("_commit")
    stamp = pa.array([f"{QUERY}:{number}"] * some.num_rows, pa.string())
    rows = some.set_column(name, LOGS.columns.field(name), stamp)
    written = files.write(LOGS, rows, lake.places.table(LOGS), f"part-{number:08d}")
    plan = BatchPlan(query_id=QUERY, batch=number, start="{}", end="{}", files=written)
    assert carry_out(plan, {LOGS.name: writer})


def rows_of(number: int, chance: random.Random) -> pa.Table:
    """Some rows of one moment, now and then with late ones."""
    first = at(0) + number * STEP
    late = [first - timedelta(minutes=90)] if chance.random() < 0.02 else []
    return logged([first + timedelta(milliseconds=n) for n in range(ROWS)] + late)


def later() -> datetime:
    """In two hours."""
    return datetime.now(UTC) + timedelta(hours=2)


def upkeep(lake: Lake) -> None:
    """A pass as if in two hours, as the log may be trimmed by then."""
    found = [*Pass(lake.places, SETTINGS, (LOGS,), now=later)()]
    assert [done.note for done in found if done.note] == []


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    """Commits by the driver's code, with a pass of upkeep now and then."""
    lake, chance = Lake.at(tmp_path_factory.mktemp("grown")), random.Random(7)
    noted = {*chance.sample(range(1, COMMITS), min(ASKED, COMMITS // 2))}
    writer, rows, total, notes = store.Writer(lake.places, LOGS), 0, 0, dict[int, Sums]()
    spent = 0.0
    for number in range(COMMITS):
        some = rows_of(number, chance)
        committed(lake, writer, number, some)
        rows, total = rows + some.num_rows, (total + checksum(some)) % 2**64
        if number in noted:
            notes[store.open_table(lake.places, LOGS).version()] = (rows, total)
        if number % EVERY == EVERY - 1:
            began = perf_counter()
            past.fold(lake.places, LOGS.name)
            spent += perf_counter() - began
            upkeep(lake)
    return Grown(lake, notes, spent)


def test_a_thousand_past_versions_are_read_as_they_were(grown: Grown) -> None:
    """Rows and checksums of all of them; Delta has kept hardly any."""
    places = grown.lake.places
    differing = [v for v in sorted(grown.notes) if grown.read(v) != grown.notes[v]]
    by_ledger = [v for v in grown.notes if v < Log(places, LOGS.name).oldest()]

    figures(grown)
    assert differing == []
    assert len(by_ledger) > 0.8 * len(grown.notes)


def test_after_a_retain_they_are_read_as_far_as_rows_are_kept(grown: Grown) -> None:
    """Their rows of the dates that are kept; states without such rows are refused in words."""
    places = grown.lake.places
    result = maintenance.retain(places, LOGS.name, 1)
    some = sorted(grown.notes)[::20]
    found = {version: state_or_refusal(grown.lake, version) for version in some}

    states = {v: of for v, of in found.items() if isinstance(of, past.State) and of.past}
    assert all("`retain` has deleted" in of for of in found.values() if isinstance(of, str))
    assert [v for v, of in states.items() if of.past.kept_from != result.first] == []
    assert bool(result.gone) == bool(states)


def state_or_refusal(lake: Lake, version: int) -> past.State | str:
    """A version as readers get it, or why it is refused."""
    try:
        return past.state(lake.places, LOGS.name, version=version)
    except TableError as error:
        return error.what


def figures(grown: Grown) -> None:
    """Print what the ledger weighs and costs, for the decision record."""
    places = grown.lake.places
    ledger = Ledger(places, LOGS.name, str(store.open_table(places, LOGS).metadata().id))
    weighs = sum(file.stat().st_size for file in Path(ledger.root).iterdir())
    adds = store.data_files(store.open_table(places, LOGS))
    table = sum(adds["size_bytes"].to_pylist())
    then = max(version for version in grown.notes if version < Log(places, LOGS.name).oldest())
    now, past_one = (
        min(seconds(grown.lake, version) for _ in range(5)) for version in (None, then)
    )
    print(f"\n{COMMITS} commits: ledger {weighs / COMMITS:.1f} B a commit, {weighs / table:.2%}")
    print(f"noted in {1000 * grown.folded / COMMITS:.2f} ms a commit")
    print(f"a question now {now:.3f} s, then {past_one:.3f} s")


def seconds(lake: Lake, version: int | None) -> float:
    """What a question about all rows takes."""
    began = perf_counter()
    ask(lake.places, QUESTION, Moment(version=version))
    return perf_counter() - began
