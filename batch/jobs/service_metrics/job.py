"""The job: read, count by minute, score, write all beside the old result, check, show.

source ──► rows ──┬─► rejects ───────────────────────────────► rejects/
                  └─► events ──► minutes, scored ─┬──────────► minutes/
                         │                        ├─ sums ───► metrics/
                         │                        ├─ spikes ─► anomalies/
                         └──────────── joined ────┴──────────► enriched/, of it outliers/
lines = rows of enriched + rejects, else nothing is shown;  insights/ is drawn from the tables
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch.jobs import folders
from batch.jobs.exchange import LOCAL, Exchange
from batch.jobs.performance import Performance
from batch.jobs.service_metrics import by_dataframe, by_rdd
from batch.jobs.service_metrics.reading import EVENT, LINES, REJECT, UNREADABLE, rows_of
from batch.jobs.service_metrics.score import THRESHOLD, WINDOW
from batch.jobs.service_metrics.source import Files, Source
from lakehouse.duck import connect, literal, one_file
from lakehouse.errors import LogpondError, SettingsError
from lakehouse.terminal.render import escaped

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ENGINES = {"dataframe": by_dataframe, "rdd": by_rdd}
TABLES = ("metrics", "minutes", "anomalies", "enriched", "outliers", "rejects")
PARTS = (*TABLES, "insights")
WHO = "logpond service-metrics"
ENRICHED = """
WITH scored AS (
    SELECT {columns}, m.minute, m.mean_ms AS minute_mean_ms, m.z AS minute_z,
        m.is_spike AS minute_is_spike,
        ({record_us} / 1000D - s.mean_ms) / s.spread_ms AS record_z
    FROM {{events}} e JOIN {{minutes}} m ON e.service = m.service
        AND e.environment <=> m.environment AND date_trunc('MINUTE', e.timestamp) = m.minute
    JOIN {{metrics}} s ON e.service = s.service AND e.environment <=> s.environment
)
SELECT *, coalesce(record_z >= {threshold}D, false) AS is_outlier FROM scored
"""
OUTLIER = (
    "service",
    "environment",
    "timestamp",
    "event_id",
    "endpoint",
    "status_code",
    "response_time",
    "record_z",
    "minute_z",
    "source",
    "partition",
    "line",
)


@dataclass(frozen=True)
class Options:
    """What is to be done: the source, where results go, who counts, and what a spike is.

    What executors write comes by `exchange`.
    """

    source: Source
    output: Path
    engine: str = "dataframe"
    window: timedelta = WINDOW
    threshold: float = THRESHOLD
    exchange: Exchange = LOCAL


@dataclass
class Summary:
    """What came of it: lines in, events among them, rejects by reason with a first example."""

    lines: int
    events: int
    rejects: dict[str, int]
    example: str
    metrics: list[dict[str, Any]] = field(default_factory=list)
    performance: Performance = field(default_factory=Performance)
    outliers: int = 0

    @property
    def rejected(self) -> int:
        """Lines that are no event."""
        return sum(self.rejects.values())


def run(options: Options, spark: SparkSession, draw: Callable[[Path], None]) -> Summary:
    """Do it; `draw` adds the insights to a folder of results.

    Raises SettingsError where a file cannot be read to its end or no line is an event, LogpondError
    where lines are missing; then what was there before stays.
    """
    # the default is 96 bits that say of no zone
    spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    with folders.replaced(options.output, PARTS, WHO) as draft:
        performance = Performance()
        rows, summary = _read(options.source, spark, performance)
        scored = _scored(options, rows.where("reason IS NULL"), draft, summary)
        _kept(options, rows, scored, draft, summary)
        _check(draft, summary)
        with performance.phase("draw"):
            draw(draft)
    return summary


def _read(
    source: Source, spark: SparkSession, performance: Performance
) -> tuple[DataFrame, Summary]:
    """Events and rejects, held by Spark for all that follows."""
    with performance.phase("read and decode") as phase:
        rows = source.rows(spark).persist()
        summary = _counted(rows, source.lines(), performance)
        phase.rows, phase.bytes = summary.lines, source.bytes()
    return rows, summary


def _scored(
    options: Options, events: DataFrame, draft: Path, summary: Summary
) -> dict[str, DataFrame]:
    """Minutes, by whichever engine, and their sums."""
    engine = ENGINES[options.engine]
    with summary.performance.phase(f"count by minute ({options.engine})") as phase:
        counted = engine.minutes(events, options.window, options.threshold)
        minutes = _written(options, counted, draft / "minutes", "service", "environment", "minute")
        summed = engine.metrics(minutes)
        metrics = _written(options, summed, draft / "metrics", "service", "environment")
        phase.rows = summary.events
    summary.metrics = table_rows(draft, "SELECT * FROM metrics ORDER BY service, environment")
    return {"minutes": minutes, "metrics": metrics}


def _kept(
    options: Options, rows: DataFrame, scored: dict[str, DataFrame], draft: Path, summary: Summary
) -> None:
    """Spikes, each event with how unusual it and its minute were, and what was no event."""
    events, rejects = rows.where("reason IS NULL"), rows.where("reason IS NOT NULL")
    with summary.performance.phase("write spikes, events and rejects") as phase:
        spikes = scored["minutes"].where("is_spike")
        _written(options, spikes, draft / "anomalies", "minute", "service")
        enriched = _enriched(events, scored, options.threshold)
        there = options.exchange.written(enriched, draft / "enriched", "date")
        outliers = rows.sparkSession.read.parquet(there).where("is_outlier").select(*OUTLIER)
        _written(options, outliers, draft / "outliers", "timestamp", "event_id")
        summary.outliers = _rows(draft / "outliers")
        options.exchange.written(rejects.select([f.name for f in REJECT]), draft / "rejects")
        phase.rows = summary.lines
    rows.unpersist()


def _counted(rows: DataFrame, lines: int, performance: Performance) -> Summary:
    """What the source holds; reads all of it, once."""
    found = {one.reason: one["count"] for one in rows.groupBy("reason").count().collect()}
    events = found.pop(None, 0)
    summary = Summary(lines, events, dict(sorted(found.items())), _example(rows, found))
    summary.performance = performance
    if UNREADABLE in found:
        raise SettingsError(summary.example, "replace the file, or name files without it")
    if not events:
        raise SettingsError(
            f"none of {lines:,} lines is an event" + (f": {summary.example}" if found else ""),
            "the fields of an event are in ARCHITECTURE.md, under Contracts",
        )
    return summary


def _example(rows: DataFrame, found: dict[str, Any]) -> str:
    """The first reject in words: file, line, reason; one that could not be read comes first."""
    if not found:
        return ""
    bad = rows.where("reason IS NOT NULL").selectExpr("source", "line", "reason", "detail")
    worst = f"CASE reason WHEN '{UNREADABLE}' THEN 0 ELSE 1 END"
    first = bad.selectExpr("*", f"{worst} AS rank").orderBy("rank", "source", "line").first()
    assert first
    if first.reason == UNREADABLE:
        return escaped(first.detail)
    return escaped(f"{first.source}:{first.line}: {first.reason}: {first.detail}")


def _written(options: Options, rows: DataFrame, folder: Path, *order: str) -> DataFrame:
    """One file, in order; and what reads it."""
    place = options.exchange.written(rows.orderBy(*order).coalesce(1), folder)
    return rows.sparkSession.read.parquet(place)


def _enriched(events: DataFrame, scored: dict[str, DataFrame], threshold: float) -> DataFrame:
    columns = ", ".join(f"e.{f.name}" for f in EVENT)
    sql = ENRICHED.format(columns=columns, record_us=by_dataframe.RECORD_US, threshold=threshold)
    return events.sparkSession.sql(sql, None, events=events, **scored)


def _check(draft: Path, summary: Summary) -> None:
    """Lines in are rows out, by the footers of the files that were written."""
    enriched, rejected = (_rows(draft / part) for part in ("enriched", "rejects"))
    if summary.lines != enriched + rejected:
        raise LogpondError(
            f"{summary.lines:,} lines became {enriched:,} events and {rejected:,} rejects",
            "did a file change meanwhile? run it again; the result before is still there",
        )


def _rows(folder: Path) -> int:
    from pyarrow import parquet

    return sum(parquet.read_metadata(file).num_rows for file in folder.rglob("*.parquet"))


def table_rows(folder: Path, sql: str) -> list[dict[str, Any]]:
    """The answer to one statement over the tables in a folder."""
    with connect() as connection:
        for name in (one for one in TABLES if (folder / one).exists()):
            files = literal(one_file(str(folder / name)) + "/**/*.parquet")
            reader = f"read_parquet({files}, hive_partitioning = true)"
            connection.execute(f"CREATE TEMP VIEW {name} AS FROM {reader}")
        found = connection.sql(sql).to_arrow_table().to_pylist()
    return [dict(one) for one in found]


def preview(options: Options) -> dict[str, Any]:
    """The input, its first lines decoded, and the folders that would be replaced.

    Raises SettingsError where a file cannot be read.
    """
    source = options.source
    looked_at = _begun(source.files) if isinstance(source, Files) else {}
    return {
        "lines": source.lines(),
        "bytes": source.bytes(),
        **looked_at,
        "engine": options.engine,
        "would_replace": [str(options.output / part) for part in PARTS],
    }


def _begun(files: tuple[Path, ...]) -> dict[str, Any]:
    """The first lines of each file, decoded."""
    looked = rejected = 0
    first = ""
    for file in files:
        for batch in islice(rows_of(str(file)), 1):
            bad = [
                row
                for row in batch.select(["source", "line", "reason", "detail"]).to_pylist()
                if row["reason"]
            ]
            if bad and bad[0]["reason"] == UNREADABLE:
                raise SettingsError(bad[0]["detail"], "replace the file, or name files without it")
            looked, rejected = looked + batch.num_rows, rejected + len(bad)
            first = first or next(map(_render_reject, bad), "")
    return {
        "files": len(files),
        "lines_looked_at": looked,
        "rejects_among_them": rejected,
        "first_reject": first,
        "at_most_a_file": LINES,
    }


def _render_reject(reject: dict[str, Any]) -> str:
    return escaped("{source}:{line}: {reason}: {detail}".format(**reject))
