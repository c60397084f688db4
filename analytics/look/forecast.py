"""What a lake weighs, what it will weigh at today's rate, and what each service costs.

Sizes are those of the newest versions, by date, out of the log. A service's part of a date is its
part of the rows, as closed half hours of `traffic` count them: no row of `logs` is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import pyarrow.compute as pc

from lakehouse import maintenance, store
from lakehouse.duck import connect, create_view
from lakehouse.paths import Places
from lakehouse.query import pinned
from lakehouse.settings import Settings
from lakehouse.tables.catalog import LOGS, TABLES
from lakehouse.tables.rollups import TRAFFIC

DAY, LEAST = timedelta(days=1), timedelta(hours=1)
ROWS = """
SELECT date, service, CAST(sum({rows}) AS BIGINT) FROM stored
WHERE granularity = '{granularity}' GROUP BY ALL
"""
Bytes = Mapping[date, float]


@dataclass(frozen=True)
class ServiceCost:
    """What the rows of a service in `logs` weigh, in bytes and as a share of all; about."""

    service: str
    bytes: int
    share: float
    kept_days: int | None


@dataclass(frozen=True)
class Forecast:
    """What the tables weigh now [bytes], gain in a day, and weigh in 7 and 30 days.

    Retention is reckoned with, but for that by source. `services` are of `logs`, the largest first.
    """

    bytes: int
    bytes_per_day: int
    in_7_days: int
    in_30_days: int
    services: list[ServiceCost]


@dataclass(frozen=True)
class Share:
    """A part of a table that is kept for `days` (None: for ever), with what it gains in a day."""

    by_date: Bytes
    per_day: float
    days: int | None

    def after(self, days: int, newest: date) -> float:
        """Returns what it weighs so many days after the newest date."""
        if self.days is None:
            return sum(self.by_date.values()) + days * self.per_day
        first = newest + timedelta(days=days - self.days)
        left = sum(weight for day, weight in self.by_date.items() if day >= first)
        return left + min(days, self.days + 1) * self.per_day


def forecast(places: Places, settings: Settings) -> Forecast | None:
    """Returns the forecast of a lake; None where it has no event yet."""
    logs = store.table_or_none(places, LOGS)
    files = store.data_files(logs, flatten=True) if logs else None
    if files is None or "max.timestamp" not in files.column_names or not files.num_rows:
        return None
    oldest, newest = pc.min(files["min.timestamp"]).as_py(), pc.max(files["max.timestamp"]).as_py()
    since = max(oldest, datetime.combine(newest.date(), time(), UTC) - DAY)
    span = max(newest - since, LEAST) / DAY
    services = _by_service(places)
    shares = dict[str, list[Share]]()
    for name in (name for name in pinned.names(places) if name in TABLES):
        found = maintenance.weights_of(store.open_table(places, name))
        weights = {day: float(weight) for day, (_, weight) in found.items()}
        shares[name] = _shares(settings, name, weights, services, (since.date(), span))
    every = [share for of in shares.values() for share in of]
    week, month = (sum(share.after(days, newest.date()) for share in every) for days in (7, 30))
    per_day = sum(share.per_day for share in every)
    weighs = sum(sum(share.by_date.values()) for share in every)
    costs = _costs(settings, shares[LOGS.name], services)
    return Forecast(round(weighs), round(per_day), round(week), round(month), costs)


def _shares(
    settings: Settings,
    table: str,
    weights: Bytes,
    services: Mapping[date, Mapping[str, float]],
    rate: tuple[date, float],
) -> list[Share]:
    """Returns the parts of a table that have days of their own; one for most tables."""
    rules = maintenance.rules_of(settings.retention, settings.upkeep.retain_days, table)
    days = {rule.name: rule.days for rule in rules}
    parts = [_part(weights, services, name) for name in _named(settings, table)]
    rest = {
        day: weight - sum(part.get(day, 0) for part in parts) for day, weight in weights.items()
    }
    kept = [days[f"service {name}"] for name in _named(settings, table)]
    pairs = [*zip(parts, kept, strict=True), (rest, days.get(f"table {table}"))]
    return [Share(part, _per_day(part, *rate), of) for part, of in pairs]


def _named(settings: Settings, table: str) -> list[str]:
    return [*settings.retention.services] if table == LOGS.name else []


def _part(weights: Bytes, services: Mapping[date, Mapping[str, float]], name: str) -> Bytes:
    return {day: w * services.get(day, {}).get(name, 0) for day, w in weights.items()}


def _per_day(by_date: Bytes, since: date, span: float) -> float:
    return sum(weight for day, weight in by_date.items() if day >= since) / span


def _by_service(places: Places) -> dict[date, dict[str, float]]:
    """Returns the share of the rows of each date that each service has."""
    traffic = store.table_or_none(places, TRAFFIC.name)
    if traffic is None:
        return {}
    with connect() as connection:
        create_view(connection, "stored", places.table(TRAFFIC.name), traffic)
        rows = TRAFFIC.sums[0].name
        query = ROWS.format(rows=rows, granularity=TRAFFIC.granularity)
        found = dict[date, dict[str, float]]()
        for day, service, count in connection.sql(query).fetchall():
            found.setdefault(day, {})[service] = float(count)
    return {
        day: {name: count / sum(of.values()) for name, count in of.items()}
        for day, of in found.items()
    }


def _costs(
    settings: Settings, shares: list[Share], services: Mapping[date, Mapping[str, float]]
) -> list[ServiceCost]:
    weights = dict[date, float]()
    for share in shares:
        for day, weight in share.by_date.items():
            weights[day] = weights.get(day, 0) + weight
    names = {name for of in services.values() for name in of}
    parts = {name: sum(_part(weights, services, name).values()) for name in names}
    whole, kept = sum(weights.values()) or 1, settings.retention.services
    costs = [
        ServiceCost(name, round(part), round(part / whole, 4), kept.get(name))
        for name, part in parts.items()
        if part
    ]
    return sorted(costs, key=lambda cost: (-cost.bytes, cost.service))
