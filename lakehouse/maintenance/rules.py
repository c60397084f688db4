"""Rules of retention: which rows of a table go after how many days. Pure.

Each row goes by one rule: that of its service, else that of its source, else that of its table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from lakehouse.duck.types import literal
from lakehouse.errors import SettingsError
from lakehouse.retention_settings import Retention
from lakehouse.tables.catalog import LOGS, QUARANTINE, TABLES

SERVICE, SOURCE = "service", "_source"
OF_SOURCES = (LOGS.name, QUARANTINE.name)


@dataclass(frozen=True)
class Rule:
    """Rows of a table that meet `where` (SQL; all, where it is empty) are kept for `days`."""

    table: str
    name: str
    days: int
    where: str = ""

    @property
    def key(self) -> str:
        """Returns what tells it from another rule, and from itself with other days or rows."""
        return f"{self.name}, {self.days} days: {self.where}"

    @property
    def is_whole(self) -> bool:
        """Whether it takes whole dates, and so no file is read or written."""
        return not self.where


def rules_of(retention: Retention, other_days: int, table: str) -> Iterator[Rule]:
    """Yields the rules of a table; `other_days` is for tables without a rule, 0 for ever.

    Raises SettingsError where a rule is of a table that there cannot be.
    """
    if unknown := sorted(retention.tables.keys() - TABLES.keys()):
        raise SettingsError(
            f"retention.tables names {', '.join(unknown)[:100]}, which is no table",
            f"the tables are {', '.join(TABLES)}",
        )
    services = retention.services if table == LOGS.name else {}
    sources = retention.sources if table in OF_SOURCES else {}
    for service, days in services.items():
        yield Rule(table, f"service {service}", days, f"{SERVICE} = {literal(service)}")
    of_services = _none_of(SERVICE, services)
    for source, days in sources.items():
        where = _all_of([f"{SOURCE} = {literal(source)}", of_services])
        yield Rule(table, f"source {source}", days, where)
    if days := retention.tables.get(table, other_days):
        yield Rule(table, f"table {table}", days, _all_of([of_services, _none_of(SOURCE, sources)]))


def _none_of(column: str, values: Collection[str]) -> str:
    named = ", ".join(map(literal, values))
    return f"({column} IS NULL OR {column} NOT IN ({named}))" if named else ""


def _all_of(conditions: Collection[str]) -> str:
    return " AND ".join(filter(None, conditions))
