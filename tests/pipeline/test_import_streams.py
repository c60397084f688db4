"""Streams that read `logs` live through imports: they see what comes, and survive what goes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.importing import FIRST, Imports, csv_lines, written
from support.lakes import Lake

from lakehouse import store
from lakehouse.proof.verify import verify
from lakehouse.settings import Windows as Settings
from lakehouse.tables.rollups import WINDOWS
from lakehouse.windows.horizon import horizon
from streaming import windows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]


def close(lake: Lake, spark: SparkSession) -> None:
    """Run the windows query over what it has not read yet; it must not fail."""
    failures: list[Exception] = []
    windows.prepare_tables(lake.places, Settings(), print)
    windows.windows(spark, lake.places, Settings(), print, failures.append).once()
    assert failures == []


def horizons(lake: Lake) -> set[datetime | None]:
    """How far the windows are closed."""
    return {horizon(store.open_table(lake.places, rollup.name)) for rollup in WINDOWS}


def test_a_stream_goes_on_through_imports(lake: Lake, spark: SparkSession, tmp_path: Path) -> None:
    """Old rows are late, then counted; a file that is replaced is passed over, its rows counted."""
    imports = Imports(lake)
    late, first = written(tmp_path / "late.csv", csv_lines(20)), tmp_path / "a.csv"
    imports.run(written(first, csv_lines(60, service="cart")))
    close(lake, spark)
    imports.run(late)
    close(lake, spark)
    assert verify(lake.places).late_rows == 2 * 20

    imports.run(late, windows=True, again=True)
    imports.run(written(first, csv_lines(70, service="cart")), windows=True, replace=True)
    close(lake, spark)
    found = verify(lake.places)
    assert (found.ok, found.windows_late, found.logs) == (True, 0, 90)
    assert horizons(lake) == {FIRST.replace(minute=0) + timedelta(hours=7)}


def test_times_to_come_do_not_move_the_watermark(
    lake: Lake, spark: SparkSession, tmp_path: Path
) -> None:
    """They are refused before a stream can see them."""
    imports = Imports(lake)
    imports.run(written(tmp_path / "a.csv", csv_lines(60)))
    close(lake, spark)
    before, tomorrow = horizons(lake), datetime.now(UTC) + timedelta(days=1)
    lines = [re.sub(r"2026-04-\d\d", f"{tomorrow:%Y-%m-%d}", line) for line in csv_lines(3)]
    (told,) = imports.run(written(tmp_path / "b.csv", [*lines, *csv_lines(1)[1:]]))
    close(lake, spark)

    assert (told.logs, told.quarantine) == (1, 3)
    assert imports.ask("SELECT DISTINCT reason FROM quarantine") == [("future_timestamp",)]
    assert horizons(lake) == before
