"""Phase 2, in Spark: duplicates across files out, watch time added up by region and user."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from batch.jobs.exchange import LOCAL, Exchange

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Of all views with one log_id the earliest counts; of equally early ones that of the first file.
UNIQUE = """
SELECT MIN(STRUCT(timestamp, file, line, user_id, geo_region, watch_time)) AS view,
       COUNT(*) AS copies
FROM {views} GROUP BY log_id
"""
# Minutes are DECIMAL(18, 6), so that a sum is exact, whatever the order it is made in.
BY_USER = """
SELECT /*+ REBALANCE(geo_region) */ view.geo_region, view.user_id,
       SUM(view.watch_time) AS watch_time_min, COUNT(*) AS views, SUM(copies) AS copies
FROM {unique} GROUP BY view.geo_region, view.user_id
"""
TOTALS, SUMMARY = "totals", "_summary.json"
# What stands for something else in Hadoop's paths.
GLOB = re.compile(r"([\[\]{}*?\\,])")


def add_up(spark: SparkSession, files: Sequence[str]) -> DataFrame:
    """A row a region and user: watch_time_min DECIMAL(28, 6), views, copies (duplicates too)."""
    views = spark.read.parquet(*(GLOB.sub(r"\\\1", file) for file in files))
    unique = spark.sql(UNIQUE, views=views)
    return spark.sql(BY_USER, unique=unique)


def write(
    totals: DataFrame, folder: Path, summary: dict[str, Any], exchange: Exchange = LOCAL
) -> None:
    """Write them into a folder, with a summary."""
    exchange.written(totals, folder / TOTALS, "geo_region")
    (folder / TOTALS / SUMMARY).write_bytes(msgspec.json.encode(summary))


def made_of(root: Path) -> str:
    """The fingerprint of the files that the totals were made of; empty where there are none."""
    try:
        summary = msgspec.json.decode((root / TOTALS / SUMMARY).read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError):
        return ""
    return str(summary.get("made_of", ""))


class Region(NamedTuple):
    """What a region has: users, views, the copies of these, minutes watched."""

    geo_region: str
    users: int
    views: int
    copies: int
    watch_time_min: Decimal


def by_region(root: Path) -> list[Region]:
    """The totals as they were written, read back; most watched first."""
    parts = (root / TOTALS).glob("geo_region=*")
    found = [_region(part) for part in parts]
    return sorted(found, key=lambda one: (-one.watch_time_min, one.geo_region))


def _region(part: Path) -> Region:
    import polars as pl

    files = sorted(part.glob("*.parquet"))
    sums = pl.scan_parquet(files, glob=False, hive_partitioning=False).select(
        pl.len(), pl.col("views", "copies", "watch_time_min").sum()
    )
    users, views, copies, minutes = sums.collect(engine="streaming").row(0)
    return Region(part.name.partition("=")[2], users, views, copies, minutes)
