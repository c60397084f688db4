"""What is assumed of a file where nobody says it: its zone, its service, and the words for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from batch.formats.kind import Kind
from lakehouse.formats.registry import named
from lakehouse.formats.wrapping import INNER, OPTIONS

UTC = "UTC"
ZONELESS = f"times have no zone: taken as {UTC}; --zone Europe/Berlin reads them otherwise"
SERVICE = "service is {}, by the file's name; --set service=NAME says otherwise"
OTHERS = "log"
_SUFFIX = re.compile(
    r"\.(?:log|logs|txt|out|err|json|jsonl|ndjson|jsonseq|csv|tsv|gz|gzip|old|bak|cri|prev)$",
    re.IGNORECASE,
)
_ANY_SUFFIX = re.compile(r"(?<=.)\.[A-Za-z][A-Za-z0-9]{0,7}$")
# A date with or without a time of day, or a number, behind a mark; more digits need no mark.
_END = re.compile(
    r"(?:(?:^|[-_. @+])(?:\d{4}[-_.]?\d\d(?:[-_.]?\d\d)?(?:[-_.T ]?\d\d(?:[-_.:h]?\d\d)*Z?)?|\d+)"
    r"|\d{6,})$"
)
# Folders that say where logs lie, not whose they are; `date=2026-05-01` is a partition.
_NO_NAME = re.compile(r"(?:logs?|tmp|data|raw|\w+=.*|)", re.IGNORECASE)


def zone_of(kind: Kind) -> str:
    """Returns the zone for times without one; none where another time of the record has its own."""
    return "" if named(kind.format).is_zoned else UTC


def service_of(path: Path) -> str:
    """Returns the file's name without suffixes, and without dates and numbers at its end.

    Where nothing else is in it, the same of the folder that it is in.
    """
    names = (_bare(name) for name in (path.name, path.parent.name))
    return next((name for name in names if not _NO_NAME.fullmatch(name)), OTHERS)


def has_service(kind: Kind) -> bool:
    """Whether records name their service, or their format does."""
    inner = kind.options.get(INNER)
    own: dict[str, Any] = kind.options.get(OPTIONS) or {}
    given = {*kind.fields.values(), *own.get("mapping", {}).values()}
    formats = (named(name) for name in (kind.format, inner) if name)
    return "service" in given or any(each.service for each in formats)


def words(kind: Kind, zone: str, service: str) -> Iterator[str]:
    """Yields what a person should know: of times without a zone, of a service that none names."""
    if kind.lacks_zone and not zone:
        yield ZONELESS
    if service:
        yield SERVICE.format(service)


def _bare(name: str) -> str:
    """A name without what it ends with, and without what is no UTF-8 or cannot be seen."""
    seen = name.encode(errors="surrogateescape").decode(errors="replace")
    found = "".join(each for each in seen if each.isprintable()).strip()
    last, had_suffix = "", False
    while found != last:
        last = found
        found = _SUFFIX.sub("", found)
        had_suffix |= found != last
        found = _END.sub("", found)
    if not had_suffix:
        found = _END.sub("", _ANY_SUFFIX.sub("", found))
    return found.strip("-_. @+")
