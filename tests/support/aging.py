"""Builders: a lake with a past, in versions and in days."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from support.asked import rows_at
from support.lakes import Lake

from lakehouse.tables.catalog import LOGS


def age(lake: Lake, hours: float, step: float = 0) -> None:
    """Make the past of `logs` this much older, as if the lake had been left alone since.

    With `step` the newest version is so old, and each one before it so many seconds older still.
    """
    files = sorted((Path(lake.places.table(LOGS)) / "_delta_log").glob("*.json"))
    for before, file in enumerate(reversed(files)):
        seconds = hours * 3600 + before * step
        actions = [json.loads(line) for line in file.read_text().splitlines()]
        for action in actions:
            for facts in action.values():
                for name in {"timestamp", "deletionTimestamp"} & facts.keys():
                    facts[name] -= int(seconds * 1000)
        file.write_text("\n".join(map(json.dumps, actions)))
        then = time.time() - seconds
        os.utime(file, (then, then))


def day(number: int) -> datetime:
    """Some time on a day of May 2026; what `Lake.batch` brings is of the 1st."""
    return datetime(2026, 5, number, 3, tzinfo=UTC)


def three_days(lake: Lake) -> Lake:
    """Records 0-9 of the 1st (1 and 6 rejects), 10-14 of the 8th, 15-19 of the 10th."""
    lake.admit()
    lake.batch(0, {0: 10}, bad={1, 6})
    for batch, (on, first) in enumerate([(8, 10), (10, 15)], 1):
        lake.batch(batch, {0: first + 5}, crash="offsets")
        lake.put(rows_at(day(on), range(first, first + 5)))
        lake.complete(batch)
    return lake
