"""Sums of blocks, held by day."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from batch.jobs.aggregate.line import METRICS
from batch.jobs.aggregate.sums import WAITING, Sums

KEYS = ("period", "user")
FIRST = datetime(2025, 1, 1)


def block(rows: list[tuple[int, str]], value: int = 1) -> pl.DataFrame:
    """The sums of a block: half hours from the first one on, users, and one value for all."""
    columns = {"period": [FIRST + timedelta(minutes=30) * half for half, _ in rows]}
    columns["user"] = [user for _, user in rows]
    sums = {name: [value] * len(rows) for name in METRICS}
    return pl.DataFrame({**columns, **sums}).cast(dict.fromkeys(METRICS, pl.Int128))


def test_days_come_in_order_whatever_the_blocks() -> None:
    """A block may have rows of any day, before or after those of another."""
    sums = Sums(KEYS)
    for rows in ([(50, "b"), (1, "a"), (99, "c")], [(0, "b"), (50, "b"), (1, "a")]):
        sums.add(block(rows))
    found = [row[1:3] for day in sums.in_order() for row in day.rows()]

    assert found == [("b", 1), ("a", 2), ("b", 2), ("c", 1)]


def test_sums_are_merged_while_they_come() -> None:
    """What is held does not grow with the number of blocks, and is added exactly."""
    sums, blocks = Sums(KEYS), 100
    for _ in range(blocks):
        sums.add(block([(number % 48, f"u{number}") for number in range(1000)], 2**60))
    held = sum(part.height for parts in sums.days.values() for part in parts)
    total = sum(value for day in sums.in_order() for value in day["metric_9"])

    assert held <= WAITING + 2 * 1000 < blocks * 1000
    assert total == blocks * 1000 * 2**60
