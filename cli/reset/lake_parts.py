"""What a lake consists of: every folder or prefix that the programs made, and nothing else's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lakehouse.paths import Places, is_url
from lakehouse.store import objects, table_or_none
from lakehouse.tables.catalog import TABLES

QUERIES = {"ingest", "windows", "minutes", "upkeep"}


@dataclass(frozen=True)
class Part:
    """A place, and what it is."""

    what: str
    place: str


def parts(places: Places) -> list[Part]:
    """What is there: tables first, checkpoints last.

    Deleted in this order and cut off, a start says what is missing, and a second time ends it.
    """
    tables = [Part(_told(places, name), places.table(name)) for name in TABLES]
    kept = [
        Part("what was imported, with copies of the files", places.raw),
        Part("what the local programs keep", places.state),
    ]
    if not is_url(places.lake):
        kept.append(Part("records of the embedded Kafka", places.broker))
    checkpoints = [
        Part(f"checkpoint {name}", f"{places.checkpoints}/{name}") for name in _checkpoints(places)
    ]
    return [part for part in (*tables, *kept, *checkpoints) if _is_there(part.place)]


def forget(places: Places) -> None:
    """Remove the folders around them, if they are empty."""
    for place in (places.checkpoints, places.lake):
        if not is_url(place) and Path(place).is_dir() and not any(Path(place).iterdir()):
            Path(place).rmdir()


def _checkpoints(places: Places) -> list[str]:
    """Folders of queries and their ledgers, those put aside too; the folder may hold others'."""
    found = objects.folders(objects.reader(places.checkpoints))
    ledgers = {name.removesuffix(".ledger") for name in found if name.endswith(".ledger")}
    return [name for name in found if name.split(".")[0] in ledgers | QUERIES]


def _is_there(place: str) -> bool:
    return (
        Path(place).exists() if not is_url(place) else any(objects.written(objects.reader(place)))
    )


def _told(places: Places, name: str) -> str:
    found = table_or_none(places, name)
    return f"table {name}" + (f", {found.count():,} rows" if found else "")
