"""The same question to both, and whether both say the same."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from batch.scan_cost.cost import Cost, cost
from batch.scan_cost.sources import COLUMNS, Raw, Stored
from lakehouse.duck import connect
from lakehouse.errors import SettingsError
from lakehouse.query import confined
from lakehouse.query.statement import Kind, Statement, readable, recognise
from lakehouse.settings import Sql
from lakehouse.terminal.render import escaped

if TYPE_CHECKING:
    import pyarrow as pa

    from batch.scan_cost.cost import Source

NO_COLUMN = re.compile(r'Referenced column "?([\w@.]+)"? not found|column named "([^"]+)"')
NEAR = 1e-9
# Of these a part says something.
PARTS = ("bytes", "bytes_read", "rows", "seconds", "cpu_seconds")


@dataclass(frozen=True)
class Compared:
    """Both costs; `rows` of the lake's answer, of which so many are `different` in the other."""

    raw: Cost
    lake: Cost
    rows: int
    different: int

    @property
    def measures(self) -> list[dict[str, Any]]:
        """Each measure of both, and the lake's as a part of the other; None where that is none."""
        raw, lake = asdict(self.raw), asdict(self.lake)
        names = [name for name in raw if name != "source"]
        parts = {name: round(lake[name] / raw[name], 4) for name in PARTS if raw[name]}
        return [
            {"measure": name, "raw": raw[name], "lake": lake[name], "lake_to_raw": parts.get(name)}
            for name in names
        ]


def compare(raw: Raw, stored: Stored, sql: str, limits: Sql | None = None) -> Compared:
    """Ask raw files first, then the lake, each within the limits.

    SettingsError where a statement cannot be put to both.
    """
    statement = readable(recognise(sql))
    if statement.kind is not Kind.READ or not _reads_logs(sql):
        raise SettingsError("scan-cost compares `logs`", 'ask: "SELECT COUNT(*) FROM logs"')
    by_raw, theirs = _asked(raw.source(stored.types), statement, limits)
    by_lake, ours = _asked(stored.source(), statement, limits)
    return Compared(by_raw, by_lake, ours.num_rows, differences(ours, theirs))


def _reads_logs(sql: str) -> bool:
    """Whether DuckDB finds `logs` among the tables of a statement; so if it cannot read it."""
    import duckdb

    with connect() as connection:
        try:
            return "logs" in {name.lower() for name in connection.get_table_names(sql)}
        except duckdb.Error:
            return True


def differences(one: pa.Table, other: pa.Table) -> int:
    """Rows of one answer that the other lacks, in whatever order; sums may differ in the last bit.

    The longer one counts.
    """
    rows = (sorted(map(_plain, table.to_pylist()), key=_order) for table in (one, other))
    return sum(1 for pair in zip_longest(*rows) if None in pair or not _same(*pair))


def _asked(source: Source, statement: Statement, limits: Sql | None) -> tuple[Cost, pa.Table]:
    import duckdb

    try:
        query = confined.query(statement)
        reach = source.reach | confined.whole(confined.regular(query.files))
        profiled = {"enable_profiling": "no_output"}
        with confined.confined(reach, limits, **profiled) as connection:
            connection.execute("SELECT 1").fetchall()
            return cost(connection, source, query.statement)
    except duckdb.Error as error:
        raise _in_words(source, str(error)) from None


def _in_words(source: Source, message: str) -> SettingsError:
    found = NO_COLUMN.search(message)
    name = (found[1] or found[2]) if found else ""
    if source.name == "raw" and name in COLUMNS:
        return SettingsError(
            f"the raw files have no column for {name}",
            "name one with --map COLUMN=FIELD, or ask for what they have",
        )
    return SettingsError(escaped(message, keep="\n"))


def _plain(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.values())


def _order(row: tuple[Any, ...]) -> str:
    return repr([f"{value:.8g}" if isinstance(value, float) else value for value in row])


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    return len(one) == len(other) and all(
        math.isclose(a, b, rel_tol=NEAR)
        if isinstance(a, float) and isinstance(b, float)
        else a == b
        for a, b in zip(one, other, strict=True)
    )
