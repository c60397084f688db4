"""Plans upkeep from the files of a table alone. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from lakehouse.maintenance import SMALL_BYTES, Part

# Rows that came to an hour after it was ordered are left as they are up to this share of it.
LATE_SHARE = 0.1
Ordered = Mapping[str, Collection[str]]


@dataclass(frozen=True)
class Rules:
    """More than `small_files` small files are merged; an hour is closed after `closed_after`."""

    small_files: int
    closed_after: timedelta


@dataclass(frozen=True)
class Due:
    """A partition to rewrite: to put its rows in `order`, or to `merge` its small files."""

    what: Literal["order", "merge"]
    part: Part


def due(parts: Sequence[Part], can_order: bool, ordered: Ordered, rules: Rules) -> list[Due]:
    """Returns what to rewrite: cheap ones first, then the newest hours first.

    `ordered` names the files of each partition that are already in order. A closed partition is put
    in order when more than a tenth of its bytes is not; any partition is merged when its other
    files are small and many. So late rows cause at most ten rewrites for each doubling of an hour.
    """
    over = _newest(parts) - rules.closed_after
    to_order = {
        part.name
        for part in parts
        if can_order and _end(part) <= over and _out_of_order(part, ordered) > LATE_SHARE
    }
    merges = [
        Due("merge", part)
        for part in parts
        if part.name not in to_order and len([*_small(part, ordered)]) > rules.small_files
    ]
    orders = [Due("order", part) for part in reversed(parts) if part.name in to_order]
    return merges + orders


def settled(parts: Sequence[Part], rules: Rules) -> dict[str, int]:
    """Returns the files of closed partitions with their bytes: few of them are rewritten again."""
    over = _newest(parts) - rules.closed_after
    closed = [part for part in parts if _end(part) <= over]
    return {path: size for part in closed for path, size in part.files.items()}


def _newest(parts: Sequence[Part]) -> datetime:
    start = datetime.min.replace(tzinfo=UTC) + timedelta(days=366)
    return max((part.newest for part in parts if part.newest), default=start)


def _end(part: Part) -> datetime:
    """Returns when the hour or the day of a partition is over."""
    keys = dict(part.keys)
    day = datetime.fromisoformat(keys["date"]).replace(tzinfo=UTC)
    hour = keys.get("hour")
    return day + (timedelta(days=1) if hour is None else timedelta(hours=int(hour) + 1))


def _out_of_order(part: Part, ordered: Ordered) -> float:
    there = ordered.get(part.name, ())
    return sum(size for path, size in part.files.items() if path not in there) / part.bytes


def _small(part: Part, ordered: Ordered) -> Iterator[str]:
    there = ordered.get(part.name, ())
    return (p for p, size in part.files.items() if size < SMALL_BYTES and p not in there)
