"""What commits did, in words: of each of our writers, by their real commits, and of others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.aging import age, day, three_days
from support.asked import rows_at
from support.importing import Imports, csv_lines, written
from support.lakes import Lake, events
from support.windows import Pond, at, logged

from analytics.look import history
from analytics.look.operations import Operations, note_of
from lakehouse import maintenance, store
from lakehouse.past.entry import Entry
from lakehouse.store.tags.naming import name_version
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import MINUTES, WATERMARK, WINDOWS
from lakehouse.windows.close import close
from lakehouse.windows.definition import prepare
from lakehouse.windows.recount import count_late, rebuild


def words(lake: Lake, table: str = "logs") -> list[str]:
    """What the versions of a table did, the oldest first."""
    return [one.what for one in history.versions(lake.places, table, 100)][::-1]


def test_ingest_is_named_by_its_batch(running: Lake) -> None:
    """In both tables."""
    assert words(running) == ["table made", "ingest batch 0", "ingest batch 1"]
    assert words(running, "quarantine")[1:] == ["ingest batch 0", "ingest batch 1"]


def test_an_import_is_named_by_its_file(lake: Lake, tmp_path: Path) -> None:
    """Its rows that came, and those that another content of the path took away."""
    imports, file = Imports(lake), tmp_path / "access.csv"
    imports.run(written(file, csv_lines(5)))
    imports.run(written(file, csv_lines(7)), replace=True)
    assert words(lake)[1:] == [
        "import access.csv",
        "import: removed access.csv",
        "import access.csv",
    ]


def test_upkeep_says_how_many_files(lake: Lake) -> None:
    """Merged, put in order, and deleted."""
    for number in range(3):
        lake.put(events([number]))
    maintenance.optimize(lake.places, "logs")
    maintenance.optimize(lake.places, "logs", ["endpoint"])
    age(lake, hours=200)
    maintenance.vacuum(lake.places, "logs")
    assert words(lake)[4:] == [
        "upkeep: compacted 3 files into 1",
        "upkeep: put the rows of 1 file in order",
        "properties set",
        "upkeep: 4 files to be deleted",
        "upkeep: deleted 4 files",
    ]


def test_retention_and_restore_say_where_they_end(lake: Lake) -> None:
    """The first date that is kept; the version that came back."""
    three_days(lake)
    maintenance.retain(lake.places, "logs", 1)
    before = store.open_table(lake.places, LOGS).version()
    maintenance.restore(lake.places, "logs", 2)
    assert words(lake)[before:] == [
        "retention (1 days): rows before 2026-05-09 deleted",
        "restored to version 2",
    ]


def test_windows_say_what_was_counted(lake: Lake) -> None:
    """Closed, counted again as rows came late, made anew; and minutes."""
    pond = Pond(lake)
    pond.arrive(logged([at(1), at(70)]))
    pond.close_by_now()
    pond.arrive(logged([at(2)]))
    for rollup in WINDOWS:
        assert [*count_late(lake.places, rollup)]
        assert [*rebuild(lake.places, rollup, WATERMARK)]
    prepare(lake.places, MINUTES, WATERMARK)
    assert [*close(lake.places, MINUTES, at(60))]
    assert words(lake, "logs_windowed")[-1] == "minutes closed"
    shown = words(lake, "traffic")
    assert {"windows closed", "late rows counted again", "emptied, to be counted again"} < {*shown}


def test_names_stand_with_their_versions(lake: Lake) -> None:
    """Also of a version beyond the limit; ids are there for programs."""
    for number in range(4):
        lake.put(rows_at(day(1), [number]))
    name_version(lake.places, "logs", "first", store.open_table(lake.places, LOGS, 1))
    found = history.versions(lake.places, "logs", 2)
    assert [(one.version, one.tags) for one in found] == [(4, ()), (3, ()), (1, ("first",))]
    assert all("by-hand" in (one.writer or "") for one in found)


@pytest.mark.parametrize(
    ("info", "says"),
    [
        ({}, ""),
        ({"operation": "WRITE", "engineInfo": "Apache-Spark/4.2.0 Delta-Lake/4.4.0"}, "other soft"),
        ({"operation": "MERGE"}, "other software: merge (unknown)"),
        ({"operation": 7, "engineInfo": ["x"], "operationMetrics": 3, "logpond": 9}, "other soft"),
        ({"logpond": '{"writer": ["x"], "batch": {}}'}, "['x']"),
        ({"logpond": '{"writer": "import/' + "0" * 64 + '/logs"}'}, "import file 000000000000"),
        (
            {"logpond": '{"writer": "retain 3 days"}', "operationParameters": 1},
            "retention (3 days)",
        ),
        ({"operation": "OPTIMIZE", "engineInfo": "delta-rs:py-1"}, "upkeep: files rewritten"),
    ],
)
def test_what_others_note_breaks_nothing(lake: Lake, info: dict[str, Any], says: str) -> None:
    """Whatever stands in a commit."""
    assert Operations(lake.places).of("logs", info).startswith(says)
    assert isinstance(note_of(info), dict)


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"operation": "WRITE", "writer": "q", "batch": 41}, "ingest batch 41"),
        ({"operation": "WRITE", "writer": f"import/{'0' * 64}", "batch": 0}, "import file 0000"),
        (
            {"operation": "DELETE", "writer": f"import/{'0' * 64}", "change": "replaced"},
            "import: removed file 0000",
        ),
        ({"operation": "DELETE", "change": "retained"}, "rows retained"),
        ({"operation": "CREATE TABLE"}, "table made"),
        ({"operation": "OPTIMIZE"}, "optimize"),
    ],
)
def test_what_only_the_ledger_knows(lake: Lake, facts: dict[str, Any], says: str) -> None:
    """As far as it knows it."""
    one = Entry(version=1, time=None, **facts)
    assert Operations(lake.places).noted(one).startswith(says)
