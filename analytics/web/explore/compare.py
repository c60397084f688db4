"""What differs between two times: rows, errors and latency, by the values of a field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf, log
from typing import Any

from analytics.web.explore.figures import files, step_of
from analytics.web.explore.filters import NONE, text_of
from analytics.web.explore.moments import Pair
from analytics.web.lake.lake import Snapshot
from lakehouse.errors import SettingsError
from lakehouse.query.search.fields import FIELDS, Field
from lakehouse.tables.catalog import LOGS

MOST_VALUES, SHOWN = 500, 50
# A rate or a quantile of fewer rows than this is chance: it is shown, below the others.
FEW = 20
LATENCIES = ("p50", "p95", "p99")
MEASURES = ("rows", "error_rate", *LATENCIES)
# Both times as one relation; each is read from its own files.
BOTH = """(SELECT false AS is_later, * FROM earlier WHERE {}
    UNION ALL SELECT true, * FROM later WHERE {})"""
FIGURES = """count(*) AS rows, count(*) FILTER (is_error) AS errors,
    count(response_time) AS timed, {quantile}(response_time, [0.5, 0.95, 0.99]) AS latency"""
# Exact quantiles hold every value in memory: of files with more rows they are those of a t-digest.
MOST_EXACT = 2_000_000
Row = dict[str, Any]


@dataclass(frozen=True)
class Side:
    """Figures of one time: rows, share of errors, latency [ms]; None where nothing says it."""

    rows: int = 0
    errors: int = 0
    timed: int = 0
    error_rate: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


@dataclass(frozen=True)
class Delta:
    """The later figure less the earlier one, and divided by it."""

    difference: float | None
    ratio: float | None


@dataclass(frozen=True)
class Change:
    """A value of the field at both times. `is_few`: a rate of so few rows may be chance."""

    name: str
    before: Side
    after: Side
    delta: dict[str, Delta] = field(default_factory=dict)
    is_few: bool = False

    @classmethod
    def of(cls, name: str, before: Side, after: Side) -> Change:
        """Both sides with their differences."""
        delta = {one: _delta(getattr(before, one), getattr(after, one)) for one in MEASURES}
        return cls(name, before, after, delta, min(before.rows, after.rows) < FEW)


@dataclass(frozen=True)
class Series:
    """Rows and the 95th percentile of latency [ms] by bar, `step` seconds each."""

    step: int
    rows: list[int]
    p95: list[float | None]


@dataclass(frozen=True)
class Comparison:
    """Two times by the values of the field `by`, at most 50, what changed most first.

    Where `is_approximate`, quantiles are within a few percent.
    """

    first: datetime
    end: datetime
    earlier_first: datetime
    earlier_end: datetime
    title: str
    version: int
    by: str
    sort: str
    whole: Change
    changes: list[Change]
    values: int
    before: Series
    after: Series
    is_approximate: bool


def compare(snapshot: Snapshot, pair: Pair, by: Field | None, sort: str) -> Comparison:
    """The comparison. Without a field it is by endpoint, or by service where nothing has one."""
    if sort and sort not in MEASURES:
        raise SettingsError(f"sort: {sort[:40]!r} is none", f"one of {', '.join(MEASURES)}")
    of = by or FIELDS["endpoint"]
    whole, changes = _grouped(snapshot, pair, of)
    if by is None and not any(change.name != NONE for change in changes):
        of = FIELDS["service"]
        whole, changes = _grouped(snapshot, pair, of)
    has_latency = whole.before.timed or whole.after.timed
    measure = sort or ("p95" if has_latency else "error_rate")
    before, after = _series(snapshot, pair)
    later, earlier = pair.later, pair.earlier
    return Comparison(
        *(later.first, later.end, earlier.first, earlier.end, pair.title),
        *(snapshot.need(LOGS.name).version, of.name, measure, whole),
        *(_ordered(changes, measure)[:SHOWN], len(changes), before, after),
        _is_approximate(snapshot, pair),
    )


def _grouped(snapshot: Snapshot, pair: Pair, of: Field) -> tuple[Change, list[Change]]:
    key, given = text_of(of, "key")
    rows = _ask(
        snapshot,
        pair,
        f"SELECT * FROM (SELECT {key} AS key, is_later, grouping({key}) AS is_whole, {FIGURES}, "
        f"sum(count(*)) OVER (PARTITION BY {key}, grouping({key})) AS total "
        f"FROM {{both}} GROUP BY GROUPING SETS (({key}, is_later), (is_later))) "
        "QUALIFY is_whole = 1 OR dense_rank() OVER (PARTITION BY is_whole ORDER BY total DESC, key)"
        f" <= {MOST_VALUES}",
        given,
    )
    sides = {(row["is_whole"], row["key"], row["is_later"]): _side(row) for row in rows}
    names = dict.fromkeys(row["key"] for row in rows if not row["is_whole"])
    changes = [_change(sides, 0, name) for name in names]
    return _change(sides, 1, None), changes


def _change(
    sides: Mapping[tuple[int, str | None, bool], Side], whole: int, name: str | None
) -> Change:
    before, after = (sides.get((whole, name, is_later), Side()) for is_later in (False, True))
    return Change.of(NONE if name is None else name, before, after)


def _side(row: Row) -> Side:
    rows, errors = row["rows"], row["errors"]
    return Side(rows, errors, row["timed"], errors / rows, *(row["latency"] or (None,) * 3))


def _delta(before: float | None, after: float | None) -> Delta:
    if before is None or after is None:
        return Delta(None, None)
    return Delta(after - before, after / before if before else None)


def _ordered(changes: Sequence[Change], measure: str) -> list[Change]:
    """What changed most first; latency by its ratio, shares and counts by their difference."""

    def size(one: Change) -> float:
        delta = one.delta[measure]
        if measure in LATENCIES:
            return abs(log(delta.ratio)) if delta.ratio else -inf
        return -inf if delta.difference is None else abs(delta.difference)

    def place(one: Change) -> tuple[bool, float, float, str]:
        is_chance = one.is_few and measure != "rows"
        return is_chance, -size(one), -abs(one.delta["rows"].difference or 0), one.name

    return sorted(changes, key=place)


def _series(snapshot: Snapshot, pair: Pair) -> tuple[Series, Series]:
    """Both times by bar, each from its own beginning."""
    step = step_of(pair.later)
    begin = "epoch_us(CASE WHEN is_later THEN $first ELSE $e_first END)"
    rows = _ask(
        snapshot,
        pair,
        f"SELECT is_later, (epoch_us(timestamp) - {begin}) // {step * 1_000_000} AS bar, "
        "count(*) AS rows, {quantile}(response_time, 0.95) AS p95 FROM {both} GROUP BY 1, 2",
        {},
    )
    bars = {(row["is_later"], row["bar"]): row for row in rows}
    length = pair.later.end - pair.later.first
    count = -(-length // timedelta(seconds=step))

    def series(is_later: bool) -> Series:
        found = [bars.get((is_later, bar)) for bar in range(count)]
        rows = [one["rows"] if one else 0 for one in found]
        return Series(step, rows, [one["p95"] if one else None for one in found])

    return series(False), series(True)


def _ask(snapshot: Snapshot, pair: Pair, sql: str, given: Mapping[str, object]) -> list[Row]:
    both = BOTH.format(pair.earlier.all, pair.later.all)
    quantile = "approx_quantile" if _is_approximate(snapshot, pair) else "quantile_cont"
    return snapshot.ask(
        sql.replace("{quantile}", quantile).replace("{both}", both),
        {**pair.earlier.bound(), **pair.later.bound(), **given},
        earlier=files(snapshot, pair.earlier),
        later=files(snapshot, pair.later),
    )


def _is_approximate(snapshot: Snapshot, pair: Pair) -> bool:
    rows = (files(snapshot, filters).rows() for filters in (pair.earlier, pair.later))
    return sum(MOST_EXACT if count is None else count for count in rows) > MOST_EXACT
