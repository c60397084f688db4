"""What brings rows of a table again that were lost with a file of it: by where they came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lakehouse.errors import CheckpointError
from lakehouse.ingest.queries import INGEST
from lakehouse.ingest.raw_zone import RawZone
from lakehouse.paths import Places
from lakehouse.tables.catalog import LOGS, QUARANTINE
from lakehouse.tables.rollups import WINDOWS


def taking_again(places: Places, names: Iterable[str]) -> str:
    """Returns the commands that bring again what tables have lost, each with what it is for."""
    return ", ".join(dict.fromkeys(way for name in names for way in _ways(places, name)))


def _ways(places: Places, name: str) -> Iterator[str]:
    if name in (LOGS.name, QUARANTINE.name):
        files = RawZone(places).manifests()
        if not files or _has_topics(places):
            yield "`logpond recover ingest` and `logpond stream` for records of topics"
        if files:
            yield "`logpond import FILE --again` for imported files that `verify` misses rows of"
    elif name in {rollup.name for rollup in WINDOWS}:
        yield f"`logpond rebuild {name}` for its windows"
    else:
        yield "`logpond analyze` for minutes and incidents"


def _has_topics(places: Places) -> bool:
    try:
        return INGEST.checkpoint(places).manifest() is not None
    except CheckpointError:
        return True
