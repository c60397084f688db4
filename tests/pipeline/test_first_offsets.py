"""A query of windows that was stopped in the midst of its first offsets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.lakes import TAKEN, Lake, events

from lakehouse import store
from lakehouse.ingest import queries
from lakehouse.settings import Windows
from lakehouse.tables.rollups import TRAFFIC
from lakehouse.windows.horizon import horizon
from streaming import windows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


def test_part_of_the_first_offsets_stops_no_start(lake: Lake, spark: SparkSession) -> None:
    """Spark would insist on an empty folder, for good: a crash or a full disk leaves such a one."""
    lake.put(events([0], timestamp=(TAKEN - timedelta(hours=1)).isoformat()))
    lake.put(events([1]))
    offsets = Path(lake.places.checkpoint(queries.WINDOWS.name), "offsets")
    offsets.mkdir(parents=True)
    (offsets / ".0.4c1e.tmp").write_bytes(b"v1\n{")
    failures: list[Exception] = []
    windows.prepare_tables(lake.places, Windows(), failures.append)
    windows.windows(spark, lake.places, Windows(), lambda _: None, failures.append).once()

    assert failures == []
    assert horizon(store.open_table(lake.places, TRAFFIC.name)) is not None
