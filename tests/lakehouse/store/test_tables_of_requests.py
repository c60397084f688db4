"""Tables of a release whose every event was a request open, and take lines that are none."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from support.lakes import Lake, events
from support.windows import judge

from lakehouse import store
from lakehouse.paths import Places
from lakehouse.query.ask import NOW, ask
from lakehouse.tables.catalog import LOGS, TABLES
from lakehouse.windows.check import rollups_of

PACKED = Path(__file__).parents[2] / "golden" / "tables" / "ad259e1.tar.xz"
LINES = 400
RELAXED = ("endpoint", "status_code", "ip", "status_class")


@pytest.fixture
def old(tmp_path: Path) -> Lake:
    """The lake as that release left it."""
    with tarfile.open(PACKED) as packed:
        packed.extractall(tmp_path)  # one of our own
    lake = tmp_path / "lake"
    return Lake(Places(str(lake), str(lake / "_checkpoints")))


def grown(old: Lake) -> int:
    """Open all tables, and give `logs` a line; the version of `logs` before."""
    before = store.open_table(old.places, LOGS).version()
    for table in TABLES.values():
        store.create(old.places, table)
    old.put(events([0], endpoint=None, status_code=None, ip=None, level="warn", order=7))
    return before


def test_old_rows_lack_what_is_new(old: Lake) -> None:
    """They read NULL; a line without an address, endpoint and status is beside them."""
    grown(old)

    found = ask(old.places, "SELECT level, ip, attributes, _item FROM logs ORDER BY ip NULLS FIRST")

    rows = found.to_pylist()
    assert rows[0] == {"level": "WARN", "ip": None, "attributes": [("order", "7")], "_item": None}
    assert len(rows) == LINES + 1
    assert [row for row in rows[1:] if row["attributes"] or not row["ip"]] == []


def test_opening_again_changes_nothing(old: Lake) -> None:
    """Relaxing and adding columns is done once."""
    grown(old)
    versions = [store.open_table(old.places, name).version() for name in TABLES]

    for table in TABLES.values():
        store.create(old.places, table)

    assert [store.open_table(old.places, name).version() for name in TABLES] == versions
    fields = {f.name: f.nullable for f in store.open_table(old.places, LOGS).schema().fields}
    assert all(fields[name] for name in RELAXED)


def test_versions_before_read_as_they_were(old: Lake) -> None:
    """Time travel over the change, and windows that were closed before it."""
    before = grown(old)

    found = store.open_table(old.places, LOGS, version=before).to_pyarrow_table()
    verdict = judge(old.places, rollups_of(old.places), store.open_table(old.places, LOGS))

    assert found.num_rows == LINES
    assert "attributes" not in found.column_names
    assert verdict.wrong == 0
    assert verdict.checked > 0


@pytest.mark.spark
def test_spark_reads_both(old: Lake, spark: SparkSession) -> None:
    """Rows from before and after, by their attributes."""
    grown(old)
    query = "SELECT count(*) AS n, count(attributes['order']) AS m, count(ip) AS k FROM logs"

    found = ask(old.places, query, NOW, lambda: spark)

    assert found.to_pylist() == [{"n": LINES + 1, "m": 1, "k": LINES}]
