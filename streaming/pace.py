"""How many offsets a batch takes, so that it brings no more bytes and lasts no longer than it may.

Spark plans a batch by offsets alone, and by a number that is fixed while a query runs. So what
records weigh is learned: at a start from some of those that wait, then from each batch; how long
they take, from each batch. The first batch is small: rows are there soon, however slow a machine
is while it starts. Where the number is far off, the query is started again with another one, once
its batch is behind it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakehouse.errors import BrokerError
from lakehouse.ingest.offsets import Offsets
from lakehouse.runtime.kafka import Bounds
from lakehouse.runtime.kafka_client import FirmError
from streaming.records import Range
from streaming.source import RowsOf

# A batch may be so many times as large as it should be, or a part of it, before that is put right.
TOLERATED = 2
# What the first batch of a program takes, and what no slow batch is cut below: smaller ones, of one
# task each, make a backlog longer.
FIRST_OFFSETS, LEAST_OFFSETS = 10_000, 40_000
# The time of records is at least so many times that of what is beside them.
OVERHEAD_TIMES = 2
# Places of each partition where records are weighed at a start, and records of each.
PLACES, RECORDS = 5, 4
# Kafka's own limit for a record, unless it is raised.
LARGE_BYTES = 1 << 20


@dataclass
class Pace:
    """At most `most_offsets`, about `most_bytes` and about `most_seconds` a batch.

    `offsets` is what it is set to; 0 before the first start.
    """

    most_offsets: int
    most_bytes: int
    most_seconds: float = math.inf
    offsets: int = 0
    is_off: bool = False
    _is_warm: bool = False

    def begin(self, waiting: Sequence[Range], fetch: RowsOf) -> int:
        """Returns the offsets for a query that starts, by some of the records that wait.

        What fits however large it is is not weighed.
        """
        if self.is_off:
            self.is_off = False
            return self.offsets
        is_much = sum(each.size for each in waiting) * LARGE_BYTES > self.most_bytes
        fitting = self._fitting(self._weighed(waiting, fetch) if is_much else 0)
        self.offsets = min(self.offsets or self._first, fitting)
        return self.offsets

    def learn(self, offsets: int, size: int, seconds: float, overhead: float = 0.0) -> bool:
        """Returns whether to start the query again: a batch had so many offsets, `size` bytes.

        Its records took `seconds`; `overhead` is what a batch costs however few they are. A batch
        that took less than it might says nothing about what waits, unless it was too large. The
        first one of a program says nothing about being slow: it waits for workers to start.
        """
        fitting = self._fitting(size / max(offsets, 1))
        wanted = min(fitting, self._lasting(offsets, seconds, overhead))
        is_full = offsets * TOLERATED > self.offsets
        is_heavy = size > TOLERATED * self.most_bytes and fitting < self.offsets
        is_slow = is_full and self._is_warm and wanted * TOLERATED < self.offsets
        is_light = is_full and wanted > TOLERATED * self.offsets
        self._is_warm = True
        if is_heavy or is_slow or is_light:
            self.offsets, self.is_off = wanted, True
        return self.is_off

    @property
    def _first(self) -> int:
        """The first batch's offsets; all there may be where no batch is held to a time."""
        return FIRST_OFFSETS if self.most_seconds < math.inf else self.most_offsets

    def _lasting(self, offsets: int, seconds: float, overhead: float) -> int:
        """Returns how many take as long as a batch may, by one that took `seconds`.

        On a machine that does much else, that is longer: most of the time should go to records.
        """
        room = max(self.most_seconds, OVERHEAD_TIMES * overhead) / max(seconds, 1e-3)
        return max(LEAST_OFFSETS, int(min(offsets * room, self.most_offsets)))

    def _weighed(self, waiting: Sequence[Range], fetch: RowsOf) -> float:
        """Returns what records weigh; 0 where none can be had now: why, the query itself says."""
        try:
            return weighed(waiting, self.most_offsets, fetch)
        except FirmError:
            raise
        except BrokerError:
            return 0.0

    def _fitting(self, mean: float) -> int:
        """Returns how many of a mean size [bytes] a batch may have."""
        return max(1, min(self.most_offsets, int(self.most_bytes / max(mean, 1e-9))))


def weighed(waiting: Sequence[Range], most: int, fetch: RowsOf) -> float:
    """Returns the mean size [bytes] of records at places all along what waits."""
    size = count = 0
    for place in range(PLACES):
        ranges = [
            Range(topic, partition, at, min(end, at + RECORDS))
            for topic, partition, first, end in waiting
            if (at := first + (min(end - first, most) * place) // PLACES) < end
        ]
        for rows in fetch(ranges):
            size, count = size + rows.nbytes, count + rows.num_rows
    return size / max(count, 1)


def between(following: Mapping[str, Offsets], bounds: Mapping[str, Bounds]) -> list[Range]:
    """Returns what waits of each partition: from the next offset, or the first there is, on."""
    found = [
        Range(topic, p, max(following.get(topic, {}).get(p, 0), first), end)
        for topic, of in bounds.items()
        for p, (first, end) in of.items()
    ]
    return [each for each in found if each.size > 0]
