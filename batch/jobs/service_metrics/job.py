"""The job: read, count by minute, score, write all beside the old result, check, show.

source ──► rows ──┬─► rejects ───────────────────────────────► rejects/
                  └─► events ──► minutes, scored ─┬──────────► minutes/
                         │                        ├─ sums ───► metrics/
                         │                        ├─ spikes ─► anomalies/
                         └──────────── joined ────┴──────────► enriched/
lines = rows of enriched + rejects, else nothing is shown;  insights/ is drawn from the tables
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch.jobs import folders
from batch.jobs.performance import Performance
from batch.jobs.service_metrics import by_dataframe, by_rdd, tables
from batch.jobs.service_metrics.reading import EVENT, REJECT, UNREADABLE
from batch.jobs.service_metrics.score import THRESHOLD, WINDOW
from batch.jobs.service_metrics.source import Source
from lakehouse.errors import LogpondError, SettingsError
from lakehouse.terminal.render import escaped

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ENGINES = {"dataframe": by_dataframe, "rdd": by_rdd}
PARTS = (*tables.NAMES, "insights")
WHO = "logpond service-metrics"
ENRICHED = """
SELECT {columns}, m.minute, m.mean_ms AS minute_mean_ms, m.z AS minute_z,
    m.is_spike AS minute_is_spike
FROM {{events}} e JOIN {{minutes}} m ON e.service = m.service
    AND e.environment <=> m.environment AND date_trunc('MINUTE', e.timestamp) = m.minute
"""


@dataclass(frozen=True)
class Order:
    """What is to be done: the source, where results go, who counts, and what a spike is."""

    source: Source
    output: Path
    engine: str = "dataframe"
    window: timedelta = WINDOW
    threshold: float = THRESHOLD


@dataclass
class Outcome:
    """What came of it: lines in, events among them, rejects by reason with a first example."""

    lines: int
    events: int
    rejects: dict[str, int]
    example: str
    metrics: list[dict[str, Any]] = field(default_factory=list)
    performance: Performance = field(default_factory=Performance)

    @property
    def rejected(self) -> int:
        """Lines that are no event."""
        return sum(self.rejects.values())


def run(order: Order, spark: SparkSession, draw: Callable[[Path], None]) -> Outcome:
    """Do it; `draw` adds the insights to a folder of results.

    Raises SettingsError where a file cannot be read to its end or no line is an event, LogpondError
    where lines are missing; then what was there before stays.
    """
    # the default is 96 bits that say of no zone
    spark.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    with folders.replaced(order.output, PARTS, WHO) as draft:
        performance = Performance()
        rows, outcome = _read(order.source, spark, performance)
        minutes = _scored(order, rows.where("reason IS NULL"), draft, outcome)
        _kept(rows, minutes, draft, outcome)
        _check(draft, outcome)
        with performance.phase("draw"):
            draw(draft)
    return outcome


def _read(
    source: Source, spark: SparkSession, performance: Performance
) -> tuple[DataFrame, Outcome]:
    """Events and rejects, held by Spark for all that follows."""
    with performance.phase("read and decode") as phase:
        rows = source.rows(spark).persist()
        outcome = _counted(rows, source.lines(), performance)
        phase.rows, phase.bytes = outcome.lines, source.bytes()
    return rows, outcome


def _scored(order: Order, events: DataFrame, draft: Path, outcome: Outcome) -> DataFrame:
    """Minutes, by whichever engine, and their sums."""
    engine = ENGINES[order.engine]
    with outcome.performance.phase(f"count by minute ({order.engine})") as phase:
        counted = engine.minutes(events, order.window, order.threshold)
        minutes = _written(counted, draft / "minutes", "service", "environment", "minute")
        _written(engine.metrics(minutes), draft / "metrics", "service", "environment")
        phase.rows = outcome.events
    outcome.metrics = tables.rows(draft, "SELECT * FROM metrics ORDER BY service, environment")
    return minutes


def _kept(rows: DataFrame, minutes: DataFrame, draft: Path, outcome: Outcome) -> None:
    """Spikes, each event with what its minute was, and what was no event."""
    events, rejects = rows.where("reason IS NULL"), rows.where("reason IS NOT NULL")
    with outcome.performance.phase("write spikes, events and rejects") as phase:
        _written(minutes.where("is_spike"), draft / "anomalies", "minute", "service")
        _enriched(events, minutes).write.partitionBy("date").parquet(str(draft / "enriched"))
        rejects.select([f.name for f in REJECT]).write.parquet(str(draft / "rejects"))
        phase.rows = outcome.lines
    rows.unpersist()


def _counted(rows: DataFrame, lines: int, performance: Performance) -> Outcome:
    """What the source holds; reads all of it, once."""
    found = {one.reason: one["count"] for one in rows.groupBy("reason").count().collect()}
    events = found.pop(None, 0)
    outcome = Outcome(lines, events, dict(sorted(found.items())), _example(rows, found))
    outcome.performance = performance
    if UNREADABLE in found:
        raise SettingsError(outcome.example, "replace the file, or name files without it")
    if not events:
        raise SettingsError(
            f"none of {lines:,} lines is an event" + (f": {outcome.example}" if found else ""),
            "the fields of an event are in ARCHITECTURE.md, under Contracts",
        )
    return outcome


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


def _written(rows: DataFrame, folder: Path, *order: str) -> DataFrame:
    """One file, in order; and what reads it."""
    rows.orderBy(*order).coalesce(1).write.parquet(str(folder))
    return rows.sparkSession.read.parquet(str(folder))


def _enriched(events: DataFrame, minutes: DataFrame) -> DataFrame:
    columns = ", ".join(f"e.{f.name}" for f in EVENT)
    sql = ENRICHED.format(columns=columns)
    return events.sparkSession.sql(sql, events=events, minutes=minutes)


def _check(draft: Path, outcome: Outcome) -> None:
    """Lines in are rows out, by the footers of the files that were written."""
    enriched, rejected = (_rows(draft / part) for part in ("enriched", "rejects"))
    if outcome.lines != enriched + rejected:
        raise LogpondError(
            f"{outcome.lines:,} lines became {enriched:,} events and {rejected:,} rejects",
            "did a file change meanwhile? run it again; the result before is still there",
        )


def _rows(folder: Path) -> int:
    from pyarrow import parquet

    return sum(parquet.read_metadata(file).num_rows for file in folder.rglob("*.parquet"))
