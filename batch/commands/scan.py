"""The command `scan-cost`: the same question to raw files and to the lake."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lakehouse.terminal import render
from lakehouse.terminal.options import FORMAT, HUMANE, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from batch.scan_cost import Compared, Cost, Stored
    from lakehouse.settings import Settings

# A mean file below this is mostly names and statistics.
SMALL = 50_000
TB = 10**12
COLUMNS = ("measure", "raw", "lake", "lake_to_raw")


@click.command("scan-cost")
@click.argument("statement")
@click.option(
    "--raw",
    "raw",
    multiple=True,
    metavar="PATH",
    help="The same events as CSV or NDJSON: a file, a folder, a glob.",
)
@click.option("--map", "maps", multiple=True, metavar="COLUMN=FIELD", help="As for import.")
@click.option("--set", "sets", multiple=True, metavar="FIELD=VALUE", help="As for import.")
@click.option(
    "--price-per-tb",
    type=click.FloatRange(0, max=1e12),
    default=5.0,
    show_default=True,
    metavar="PRICE",
    help="What a service asks for each TB (10^12 bytes) that it reads.",
)
@click.option("--currency", default="USD", show_default=True, metavar="TEXT")
@FORMAT
@with_settings
def scan_cost(
    statement: str,
    raw: tuple[str, ...],
    maps: tuple[str, ...],
    sets: tuple[str, ...],
    price_per_tb: float,
    currency: str,
    how: str,
    settings: Settings,
) -> None:
    """Measure what a question about `logs` reads from raw files, and what from the lake.

    DuckDB asks both, the files first, and says itself what it read: columns of Parquet that the
    question names, in files that its dates and values do not rule out, against every byte of the
    files. Without --raw the events of the lake are written as CSV, a file a day, and deleted again.
    --raw files must hold what the lake holds, or the answers differ, which is said; rows that
    import refused are in them too. JSON is one object.

    \b
    files, bytes             what lies there      files_read, bytes_read    what was read of it
    log_bytes                read of the table's log, to know which files   rows that left the scan
    price                    of bytes_read and log_bytes, at --price-per-tb, where bytes are billed

    \b
    exit 0  the answers are equal     1  they differ     2  the statement or a file is not readable

    \b
      logpond scan-cost "SELECT service, AVG(response_time) FROM logs GROUP BY service"
      logpond scan-cost "SELECT COUNT(*) FROM logs WHERE status_code >= 500" --raw 'july/*.csv'
      logpond scan-cost "SELECT COUNT(*) FROM logs" --price-per-tb 6.25 --currency EUR
    """
    from batch.formats.paths import expand
    from batch.imports.reading import overrides_of
    from batch.scan_cost import Raw, Stored, compare
    from lakehouse.paths import Places
    from lakehouse.query import pinned
    from lakehouse.query.ask import NOW

    places = Places.of(settings)
    stored = Stored.of(places, pinned.pin(places, ["logs"], NOW)["logs"].table)
    with tempfile.TemporaryDirectory(prefix="logpond-") as folder:
        files = expand(raw or [_written(stored, Path(folder))])
        raw_files = Raw.of(files, overrides_of(maps, sets))
        found = compare(raw_files, stored, statement, settings.sql)
    _show(found, statement, Price(price_per_tb, currency), how)
    sys.exit(1 if found.different else 0)


def _written(stored: Stored, folder: Path) -> Path:
    """The lake's events as CSV."""
    from lakehouse.store.disk import in_words

    rows = stored.table.count()
    echo(f"no --raw: writing {rows:,} rows as CSV to {folder}, for this once", err=True)
    with in_words(str(folder)):
        stored.write(folder / "logs")
    return folder / "logs"


def _show(found: Compared, statement: str, price: Price, how: str) -> None:
    if how == "json":
        equal = {"statement": statement, "rows": found.rows, "different_rows": found.different}
        costs = {"raw": asdict(found.raw), "lake": asdict(found.lake), "measures": found.measures}
        render.show_object({**equal, **costs, "price": price.as_dict(found)}, sys.stdout)
        return
    rows = [*map(_humane, found.measures)] if how == "table" else found.measures
    rows = [*rows, price.measure(found, how == "table")]
    render.show(render.Rows.of_dicts(rows, COLUMNS), how, sys.stdout)
    echo(_render_answers(found), err=how != "table")


@dataclass(frozen=True)
class Price:
    """What it costs to read, in a currency, for each TB."""

    per_tb: float
    currency: str

    def of(self, cost: Cost) -> float:
        """The price of all bytes that were read."""
        return cost.read * self.per_tb / TB

    def as_dict(self, found: Compared) -> dict[str, Any]:
        """Both prices, and what they go by."""
        return {**asdict(self), "raw": self.of(found.raw), "lake": self.of(found.lake)}

    def measure(self, found: Compared, is_table: bool) -> dict[str, Any]:
        """A row beside the measures."""
        raw, lake = self.of(found.raw), self.of(found.lake)
        part = lake / raw if raw else None
        if not is_table:
            rounded = None if part is None else round(part, 4)
            return {"measure": "price", "raw": raw, "lake": lake, "lake_to_raw": rounded}
        prices = {"raw": self._rendered(raw), "lake": self._rendered(lake)}
        return {"measure": "price", **prices, "lake_to_raw": "" if part is None else f"{part:.1%}"}

    def _rendered(self, price: float) -> str:
        return f"{price:,.10f}".rstrip("0").rstrip(".") + f" {self.currency}"


def _humane(row: dict[str, Any]) -> dict[str, str]:
    """A measure for a person."""
    name, part = row["measure"], row["lake_to_raw"]
    render_value = HUMANE["bytes"] if "bytes" in name else "{:,}".format
    values = {of: "unknown" if row[of] is None else render_value(row[of]) for of in ("raw", "lake")}
    return {"measure": name, **values, "lake_to_raw": "" if part is None else f"{part:.1%}"}


def _render_answers(found: Compared) -> str:
    """The answers in a sentence."""
    sentence = f"equal answers ({found.rows:,} rows)"
    if found.different:
        sentence = f"THE ANSWERS DIFFER in {found.different:,} rows of {found.rows:,}"
    if found.lake.bytes < SMALL * found.lake.files:
        mean = HUMANE["bytes"](found.lake.bytes / found.lake.files)
        sentence += (
            f"\nfiles of the lake are small, {mean} on average: names and statistics weigh "
            "more than rows; `logpond optimize logs` merges those of an hour"
        )
    return sentence
