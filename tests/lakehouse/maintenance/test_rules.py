"""Retention by table, source and service: each row goes by one rule, and `verify` says by which."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from support.aging import day
from support.asked import answer, rows_at
from support.bucket import Bucket
from support.importing import Imports, csv_lines, written
from support.lakes import Lake
from support.windows import Pond

from lakehouse import maintenance, past, store
from lakehouse.errors import SettingsError, TableError
from lakehouse.ingest.absent import Absent
from lakehouse.ingest.raw_zone import RawZone
from lakehouse.maintenance.rules import Rule, rules_of
from lakehouse.past import sources
from lakehouse.paths import Places
from lakehouse.proof.verdict import Verdict
from lakehouse.proof.verify import verify
from lakehouse.query.ask import Moment, ask
from lakehouse.retention_settings import Retention
from lakehouse.settings import Upkeep
from lakehouse.tables.catalog import LOGS, QUARANTINE, TABLES
from streaming.upkeep.upkeep import Done, Pass

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[3]
BY_SERVICE = "SELECT service, count(*) AS n FROM logs GROUP BY 1 ORDER BY 1"
RULES = Retention(services={"debug": 2, "it's": 30}, sources={"edge": 5}, tables={"logs": 8})
KILLED = """
import os, signal, sys
sys.path[:0] = sys.argv[2:]
from deltalake import DeltaTable
from lakehouse import maintenance
from lakehouse.maintenance.rules import Rule
from lakehouse.past import sources
from lakehouse.paths import Places
DeltaTable.delete = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
maintenance.apply(Places.at(sys.argv[1]), Rule("logs", "service debug", 2, "service = 'debug'"))
"""


def sourced(rows: pa.Table, source: str | None) -> pa.Table:
    """Rows of this source."""
    at = rows.schema.get_field_index("_source")
    return rows.set_column(at, rows.schema.field(at), pa.array([source] * len(rows), pa.string()))


def brought(lake: Lake, batch: int, on: int, first: int, **facts: Any) -> None:
    """Five records of a day, as a batch of ingest."""
    source = facts.pop("source", None)
    lake.batch(batch, {0: first + 5}, crash="offsets")
    lake.put(sourced(rows_at(day(on), range(first, first + 5), **facts), source))
    lake.complete(batch)


@pytest.fixture
def mixed(lake: Lake) -> Lake:
    """Five records each: debug, shop, it's, and shop of `edge` on the 1st; debug, shop on the 10th.

    The days between have rows of edge (4th) and shop (3rd).
    """
    lake.admit()
    store.create(lake.places, QUARANTINE)
    rows: Iterable[tuple[int, dict[str, Any]]] = (
        (1, {"service": "debug"}),
        (1, {"service": "shop"}),
        (1, {"service": "it's"}),
        (1, {"service": "shop", "source": "edge"}),
        (3, {"service": "shop"}),
        (4, {"service": "shop", "source": "edge"}),
        (7, {"service": "debug", "source": "edge"}),
        (10, {"service": "debug"}),
        (10, {"service": "shop"}),
    )
    for batch, (on, facts) in enumerate(rows):
        brought(lake, batch, on, 5 * batch, **facts)
    return lake


def passing(lake: Lake, retention: Retention = RULES, **more: Any) -> list[Done]:
    """What a pass of upkeep does about retention."""
    tables = tuple(TABLES.values())
    found = Pass(lake.places, Upkeep(vacuum_every_hours=1e6), tables, retention=retention, **more)()
    return [one for one in found if one.what == "retain" or one.note]


def counts(lake: Lake) -> dict[str, int]:
    """Rows by service."""
    return {row["service"]: row["n"] for row in answer(lake, BY_SERVICE)}


def requests(pond: Pond) -> list[tuple[Any, ...]]:
    """The requests of each service by day, but for the day that is not over."""
    rows = [row for row in pond.read(granularity="1d") if row["date"] < date(2026, 5, 10)]
    return [(row["date"], row["service"], row["requests"]) for row in rows]


def is_clean(verdict: Verdict) -> bool:
    """Nothing is missed, repeated or from nowhere."""
    return verdict.ok and (verdict.gaps, verdict.duplicates, verdict.unexpected) == (0, 0, 0)


def test_a_row_goes_by_one_rule(mixed: Lake) -> None:
    """Its service's, else its source's, else its table's; verify counts each by its rule."""
    done = {one.partition: one.rows for one in passing(mixed)}
    assert done == {
        "service debug: date < 2026-05-08": 10,
        "source edge: date < 2026-05-05": 10,
        "table logs: date < 2026-05-02": 5,
    }
    assert counts(mixed) == {"debug": 5, "it's": 5, "shop": 10}
    verdict = verify(mixed.places)
    assert is_clean(verdict)
    assert verdict.retained_by == {"service debug": 10, "source edge": 10, "table logs": 5}
    assert verdict.retained == 25


def test_the_ledger_of_commits_knows_what_went(mixed: Lake) -> None:
    """Its sums are right before and after, and it answers for the dates that are whole."""
    before = noted(mixed)
    passing(mixed)
    noted(mixed)
    verdict = verify(mixed.places)
    assert (is_clean(verdict), verdict.ledger_faults) == (True, [])
    state = past.state(mixed.places, "logs", version=before)
    assert state.version == before


def trimmed(lake: Lake) -> None:
    """The log is as it will be in two hours: Delta has none of the versions of before."""
    lake.put(rows_at(day(10), range(900, 901), service="shop"))
    store.open_table(lake.places, LOGS).create_checkpoint()
    for number in range(901, 904):
        lake.put(rows_at(day(10), [number], service="shop"))
    later = datetime.now(UTC) + timedelta(hours=2)
    maintenance.trim(lake.places, LOGS.name, timedelta(days=1), 1, later)


def test_a_rule_of_one_service_leaves_the_past_of_others(mixed: Lake) -> None:
    """States that had only rows of before its date are read, and it is said whose rows are gone."""
    passing(mixed, Retention(services={"debug": 2}))
    trimmed(mixed)
    found = ask(mixed.places, BY_SERVICE, Moment(version=4))
    state = past.state(mixed.places, "logs", version=4)

    assert found.to_pylist() == [{"service": "it's", "n": 5}, {"service": "shop", "n": 10}]
    assert state.past
    assert (state.past.kept_from, state.past.checksum) == (None, None)
    assert state.rows(mixed.places.table(LOGS)) in (15, None)
    (line,) = sources.of(found)
    assert line.endswith("; rows of service debug before 2026-05-08 are deleted since (retain)")


def test_each_rule_says_what_it_took_of_the_past(mixed: Lake) -> None:
    """A rule of the table beside them takes whole dates of no other than its own rows."""
    passing(mixed)
    trimmed(mixed)
    state = past.state(mixed.places, "logs", version=9)

    assert state.source.partition("; ")[2] == (
        "rows of service debug before 2026-05-08, rows of source edge before 2026-05-05, "
        "rows of before 2026-05-02 whose service and source have no rule of their own "
        "are deleted since (retain)"
    )
    assert answer(mixed, BY_SERVICE, Moment(version=4)) == [{"service": "it's", "n": 5}]


def test_whole_dates_still_close_what_had_no_others(mixed: Lake) -> None:
    """Rules of some rows beside them change nothing of it."""
    passing(mixed, Retention(services={"debug": 2}))
    maintenance.retain(mixed.places, "logs", 7)
    trimmed(mixed)

    with pytest.raises(TableError, match="all rows of before 2026-05-03 since"):
        past.state(mixed.places, "logs", version=4)
    source = past.state(mixed.places, "logs", version=9).source
    assert "its rows of before 2026-05-03, rows of service debug before 2026-05-08" in source


def noted(lake: Lake) -> int:
    """The newest version of `logs`, up to which the ledger has its commits now."""
    version = store.open_table(lake.places, LOGS).version()
    past.fold(lake.places, "logs", version)
    return version


def test_once_a_date(mixed: Lake) -> None:
    """The next pass does not look, though a row came late; a newer date makes it look again."""
    passing(mixed)
    mixed.put(rows_at(day(1), [900], service="debug"))
    assert passing(mixed) == []
    store.open_table(mixed.places, LOGS).delete("_offset = 900")
    brought(mixed, 9, 13, 45, service="shop")
    assert [one.rows for one in passing(mixed)] == [5, 5]
    assert counts(mixed) == {"it's": 5, "shop": 10}


def test_a_dry_run_says_the_same(mixed: Lake) -> None:
    """And changes nothing; the next pass does it."""
    would = passing(mixed, dry_run=True)
    assert sum(counts(mixed).values()) == 45
    assert [(one.partition, one.rows) for one in would] == [
        (one.partition, one.rows) for one in passing(mixed)
    ]


def test_a_rule_without_rows_of_others_takes_whole_dates(mixed: Lake) -> None:
    """As `retain --days` does."""
    (rule,) = rules_of(Retention(tables={"logs": 8}), 0, "logs")
    assert rule.is_whole
    done = maintenance.apply(mixed.places, rule)
    assert (done.first, done.rows) == (date(2026, 5, 2), 20)
    assert verify(mixed.places).retained_by == {"table logs": 20}


def test_killed_before_the_rows_went(mixed: Lake) -> None:
    """They are noted and there, which is no fault; the next run deletes them, and counts once."""
    words = [sys.executable, "-c", KILLED, mixed.places.lake, str(ROOT)]
    assert subprocess.run(words, check=False).returncode == -9
    verdict = verify(mixed.places)
    assert (is_clean(verdict), verdict.retained_by, verdict.logs) == (True, {}, 45)
    passing(mixed)
    verdict = verify(mixed.places)
    assert is_clean(verdict)
    assert verdict.retained_by["service debug"] == 10


def test_windows_of_what_went_stay(mixed: Lake) -> None:
    """They are not counted again, nor called wrong, nor do late rows take their numbers away."""
    pond = Pond(mixed)
    pond.close_by_now()
    before = requests(pond)
    passing(mixed)
    assert verify(mixed.places).windows_wrong == 0
    mixed.put(rows_at(day(1), [99], service="shop"))
    assert pond.reconcile() == []
    assert requests(pond) == before


def test_copies_of_files_go_and_are_not_imported_again(lake: Lake, tmp_path: Path) -> None:
    """What they were stays known; verify is clean."""
    file, imports = written(tmp_path / "a.csv", csv_lines(5)), Imports(lake)
    imports.run(file)
    (sha256,) = RawZone(lake.places).manifests()
    later = datetime.now(UTC) + timedelta(days=31)
    (done,) = passing(lake, Retention(raw_days=30), now=lambda: later)
    assert (done.table, done.rows, done.bytes) == ("_raw", 1, file.stat().st_size)
    assert RawZone(lake.places).copied(sha256) is None
    assert passing(lake, Retention(raw_days=30), now=lambda: later) == []
    assert imports.done(file) == ["unchanged"]
    assert is_clean(verify(lake.places))


def test_rules_are_of_tables_that_there_can_be(lake: Lake) -> None:
    """A misspelt one would keep rows for ever."""
    with pytest.raises(SettingsError, match="trafic"):
        [*rules_of(Retention(tables={"trafic": 3}), 0, "logs")]


@pytest.mark.parametrize("days", [0, -1])
def test_less_than_a_day_is_refused(days: int) -> None:
    """Nobody means to empty a table with it."""
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        Retention(services={"debug": days})


def test_a_hostile_service_is_a_text(mixed: Lake) -> None:
    """Its rule takes its own rows, and none of others."""
    name = "x' OR '1'='1"
    mixed.put(rows_at(day(1), [900], service=name))
    (rule,) = rules_of(Retention(services={name: 2}), 0, "logs")
    assert isinstance(rule, Rule)
    assert maintenance.apply(mixed.places, rule).rows == 1
    assert sum(counts(mixed).values()) == 45


def test_a_lake_in_a_bucket_loses_the_same(bucket: Bucket) -> None:
    """On a real S3: rows are counted, noted and deleted there; a dry run says it before."""
    lake = Lake(Places.at(bucket.url))
    for on, service in ((1, "debug"), (1, "shop"), (10, "debug")):
        lake.put(rows_at(day(on), range(5), service=service))
    (rule,) = rules_of(Retention(services={"debug": 2}), 0, "logs")
    would, did = (maintenance.apply(lake.places, rule, dry_run) for dry_run in (True, False))
    assert (would.rows, did.rows) == (5, 5)
    assert counts(lake) == {"debug": 5, "shop": 5}
    assert Absent(lake.places).retained()["rule"].to_pylist() == ["service debug"]
