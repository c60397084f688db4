"""An aggregate or a table is added in one place, as ARCHITECTURE.md promises; the rest follows."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.edited import edit_only, edited

pytestmark = pytest.mark.slow
ROLLUP = """\
    Rollup("hosts", "requests and bytes of each address", ("ip",), (REQUESTS, BYTES)),"""
CLOSED_AND_CHECKED = """
import json, sys
from pathlib import Path
from support.lakes import Lake
from support.windows import WINDOWS, Pond, at, logged, tampered
from lakehouse.ingest import queries
from lakehouse.tables.catalog import TABLES

pond = Pond(Lake.at(Path(sys.argv[1])))
pond.arrive(logged([at(5), at(6), at(40), at(95)], ip=["a", "a", "b", "a"], bytes_sent=10))
pond.close(at(60))
rows = [(r["ip"], r["requests"], r["bytes"], r["is_final"]) for r in pond.read("hosts")]
days = [(r["ip"], r["requests"]) for r in pond.read("hosts", "1d")]
right = pond.judged()
tampered(pond.lake, "ip = 'b'", "hosts", requests="7")
wrong = pond.judged()
pond.reconcile()
mended = [r["requests"] for r in pond.read("hosts") if r["ip"] == "b"]
print(json.dumps({
    "rows": rows, "days": days, "right": right.wrong + right.late,
    "wrong": [fault.table for fault in wrong.faults], "mended": mended,
    "closed": [rollup.name for rollup in WINDOWS],
    "owned": [table.name for table in queries.WINDOWS.tables], "is_table": "hosts" in TABLES,
}))
"""
TABLE = """\
        Table(
            name="notes",
            comment="what somebody noted",
            columns=pa.schema([arrow_field("note", pa.string(), "what it says")]),
            partition_by=(),
            statistics=("note",),
        ),"""
CREATED_AND_ASKED = """
import json, sys
import pyarrow as pa
from click.testing import CliRunner
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.tables.catalog import TABLES
from cli.__main__ import logpond

places, notes = Places(sys.argv[1], sys.argv[1] + "/_checkpoints"), TABLES["notes"]
writer = store.Writer(places, notes)
writer.append(pa.Table.from_pylist([{"note": "here"}], notes.columns), store.Key("by-hand", 0))
where = ["--lake", sys.argv[1], "--format", "json"]
asked = {
    name: json.loads(CliRunner().invoke(logpond, [*words, *where]).stdout)
    for name, words in {
        "sql": ["sql", "SELECT note FROM notes"], "tables": ["tables"],
        "history": ["history", "notes"], "upkeep": ["optimize", "notes"],
    }.items()
}
print(json.dumps(asked))
"""


def test_an_aggregate_is_one_value(tmp_path: Path) -> None:
    """Its table, windows, days, open windows, `verify`, `reconcile` and its place in the stream."""
    file = edit_only("an aggregate")
    project = edited(tmp_path / "project", file, "    USAGE,", ROLLUP)
    found = project.run(CLOSED_AND_CHECKED, tmp_path)

    assert found["rows"] == [["a", 2, 20, True], ["b", 1, 10, True], ["a", 1, 10, False]]
    assert found["days"] == [["a", 3], ["b", 1]]
    assert (found["right"], found["wrong"], found["mended"]) == (0, ["hosts"], [1])
    assert found["is_table"]
    assert "hosts" in found["closed"]
    assert "hosts" in found["owned"]


def test_a_table_is_one_value(tmp_path: Path) -> None:
    """Creation, SQL, the list of tables, its history and its upkeep."""
    project = edited(tmp_path / "project", edit_only("a table"), "        ANOMALIES,", TABLE)
    found = project.run(CREATED_AND_ASKED, tmp_path / "lake")

    assert found["sql"] == [{"note": "here"}]
    assert [(one["name"], one["rows"]) for one in found["tables"]] == [("notes", 1)]
    assert [one["version"] for one in found["history"]] == [1, 0]
    assert found["upkeep"]
