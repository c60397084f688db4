"""Rows of text to views and rejects: what counts is typed, what does not has a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import polars as pl

    from batch.jobs.watch_time.regions import Regions

# Minutes with up to six decimals: sums of these are exact, and a value with more is not rounded.
MINUTES = r"^-?\d{1,9}(\.\d{1,6})?$"
SCALE, PRECISION = 6, 18
YEARS = (1970, 2199)
# A value is judged by the first that holds.
REASONS = (
    "missing_log_id",
    "missing_user_id",
    "bad_timestamp",
    "missing_watch_time",
    "bad_watch_time",
    "negative_watch_time",
)


class Judged(NamedTuple):
    """`views`: line, log_id, user_id, ip, geo_region (a number), timestamp [UTC], watch_time;
    `rejects`: line, reason, the five values as text."""

    views: pl.DataFrame
    rejects: pl.DataFrame


def judge(rows: pl.DataFrame, regions: Regions) -> Judged:
    """Split rows by whether their watch time can be counted.

    An address that is none is no reason against it: the view was made, its region is `invalid`.
    """
    import polars as pl

    typed = rows.lazy().with_columns(_instant().alias("instant"), _minutes().alias("minutes"))
    judged = typed.with_columns(_reason().alias("reason")).collect()
    good = judged.filter(pl.col("reason").is_null())
    views = good.select(
        "line",
        "log_id",
        "user_id",
        "ip",
        regions.of(good["ip"]).alias("geo_region"),
        pl.col("instant").alias("timestamp"),
        pl.col("minutes").alias("watch_time"),
    )
    rejects = judged.filter(pl.col("reason").is_not_null())
    return Judged(views, rejects.select("line", "reason", *rows.columns[1:]))


def _instant() -> pl.Expr:
    """`2026-01-31 12:00:00`, with T, fractions, Z or +01:00; UTC where no zone is named."""
    import polars as pl

    text = pl.col("timestamp").str.replace("T", " ", literal=True)
    local = text.str.strip_suffix("Z").str.to_datetime(
        "%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us"
    )
    zoned = text.str.to_datetime(
        "%Y-%m-%d %H:%M:%S%.f%#z", strict=False, time_unit="us", time_zone="UTC"
    )
    found = pl.coalesce(local.dt.replace_time_zone("UTC"), zoned)
    return pl.when(found.dt.year().is_between(*YEARS)).then(found)


def _minutes() -> pl.Expr:
    import polars as pl

    text = pl.col("watch_time")
    number = text.cast(pl.Decimal(PRECISION, SCALE), strict=False)
    return pl.when(text.str.contains(MINUTES)).then(number)


def _reason() -> pl.Expr:
    import polars as pl

    faults = (
        _is_missing("log_id"),
        _is_missing("user_id"),
        pl.col("instant").is_null(),
        _is_missing("watch_time"),
        pl.col("minutes").is_null(),
        pl.col("minutes") < 0,
    )
    reasons = [pl.when(fault).then(pl.lit(r)) for r, fault in zip(REASONS, faults, strict=True)]
    return pl.coalesce(*reasons, pl.lit(None, pl.String))


def _is_missing(column: str) -> pl.Expr:
    import polars as pl

    return pl.col(column).fill_null("") == ""
