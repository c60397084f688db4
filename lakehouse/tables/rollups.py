"""Every rollup as a value: what is counted per half hour and per day, and by which keys. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

import pyarrow as pa

from lakehouse.event.schema import UTC_TIMESTAMP, arrow_field
from lakehouse.tables.measures import Distinct, Distribution, Measure, Ratio, Sum, added, micros
from lakehouse.tables.table import Table

HALF_HOUR, DAY = timedelta(minutes=30), timedelta(days=1)
WATERMARK = timedelta(minutes=2)
# What a rollup was made with; a start with anything else stops.
DEFINITION = "logpond.rollup"
HEAD = [
    arrow_field("granularity", pa.string(), "1m, 30m or 1d, a partition", nullable=False),
    arrow_field("date", pa.date32(), "day of the window, a partition", nullable=False),
    arrow_field("window_start", UTC_TIMESTAMP, "first instant of the window", nullable=False),
    arrow_field("window_end", UTC_TIMESTAMP, "first instant after it", nullable=False),
]
TAIL = [
    arrow_field("logs_version", pa.int64(), "version of logs that was counted", nullable=False),
    arrow_field("revision", pa.int32(), "how often the window was counted again"),
    arrow_field("corrected_at", UTC_TIMESTAMP, "when that was last; NULL if never"),
    arrow_field(
        "_counted", pa.map_(pa.string(), pa.int64()), "newest batch of each writer that it counts"
    ),
    arrow_field(
        "_end_offsets",
        pa.map_(pa.string(), pa.int64()),
        "by topic/partition one past the last record that it counts",
    ),
]


@dataclass(frozen=True)
class Rollup:
    """An aggregate of `logs`; its table, stream, recount and check all follow from it."""

    name: str
    comment: str
    keys: tuple[str, ...]
    measures: tuple[Measure, ...]
    granularity: str = "30m"
    window: timedelta = HALF_HOUR
    has_days: bool = True

    @property
    def sums(self) -> list[Sum]:
        """Every number that adds up, those that other measures rest on too."""
        own = [measure for measure in self.measures if isinstance(measure, Sum)]
        return own + [spread.total for spread in self.distributions]

    @property
    def distributions(self) -> list[Distribution]:
        """The measures that keep a histogram."""
        return [measure for measure in self.measures if isinstance(measure, Distribution)]

    @property
    def sets(self) -> list[Distinct]:
        """The measures that keep hashes."""
        return [measure for measure in self.measures if isinstance(measure, Distinct)]

    @property
    def hidden(self) -> list[str]:
        """The columns by which windows are folded and checked; readers do not get them."""
        return [field.name for field in self.columns if field.name.startswith("_")]

    @property
    def columns(self) -> pa.Schema:
        """The columns of the table."""
        keys = [arrow_field(key, pa.string(), f"{key} of the events") for key in self.keys]
        measured = [field for measure in self.measures for field in measure.fields]
        return pa.schema(HEAD + keys + measured + TAIL)

    def table(self, late: timedelta = WATERMARK) -> Table:
        """The Delta table, for windows that wait `late` for late events."""
        return Table(
            name=self.name,
            comment=self.comment,
            columns=self.columns,
            partition_by=("granularity", "date"),
            statistics=("window_start", *self.keys),
            properties={DEFINITION: self.definition(late)},
        )

    def definition(self, late: timedelta) -> str:
        """Returns what must not change under existing rows: window, keys, watermark."""
        minutes = self.window // timedelta(minutes=1)
        return json.dumps(
            {"window": f"{minutes} minutes", "keys": self.keys, "watermark": f"{late}"}
        )


# Every error is of one side: of the client by its status, else of the service.
SERVER_ERROR = "is_error AND coalesce(status_code NOT BETWEEN 400 AND 499, true)"
CLIENT_ERRORS = Sum(
    "client_errors", "answers 400 to 499", "count(*) FILTER (status_code BETWEEN 400 AND 499)"
)
SERVER_ERRORS = Sum(
    "server_errors",
    "answers 500 to 599, and lines of severity ERROR and above",
    f"count(*) FILTER ({SERVER_ERROR})",
)
REQUESTS = Sum("requests", "requests that were answered, and other lines", "count(*)")
BYTES = Sum("bytes", "sum of bytes_sent [By]", added("bytes_sent"))

TRAFFIC = Rollup(
    name="traffic",
    comment="requests, errors, latency and visitors of each endpoint, by half hour and by day",
    keys=("service", "endpoint"),
    measures=(
        REQUESTS,
        CLIENT_ERRORS,
        SERVER_ERRORS,
        Ratio("error_rate", "errors by requests", "client_errors + server_errors", "requests"),
        Distribution("latency", "response_time"),
        BYTES,
        Distinct("unique_visitors", "ip", "different addresses"),
    ),
)

USAGE = Rollup(
    name="usage",
    comment="requests, errors, bytes and time of each user and app, by half hour and by day",
    keys=("user", "app"),
    measures=(
        REQUESTS,
        Sum(
            "errors",
            "answers of 400 and more, and lines of ERROR and above",
            "count(*) FILTER (is_error)",
        ),
        BYTES,
        Sum("total_response_time", "sum of response_time [ms]", micros("response_time"), 1000),
    ),
)

MINUTES = Rollup(
    name="logs_windowed",
    comment="closed minutes of each endpoint: what detection goes by",
    keys=("service", "endpoint"),
    measures=(
        Sum("request_count", "requests that were answered, and other lines", "count(*)"),
        CLIENT_ERRORS,
        SERVER_ERRORS,
        Distribution("response_time", "response_time", (95,), "avg_response_time"),
    ),
    granularity="1m",
    window=timedelta(minutes=1),
    has_days=False,
)

# Half hours and days; minutes are closed by a query of their own, and never counted again.
WINDOWS = (
    TRAFFIC,
    USAGE,
)
ROLLUPS = {rollup.name: rollup for rollup in (*WINDOWS, MINUTES)}
