"""Holds a back-fill to what ingest can take, so that neither starves the other of CPU and disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lakehouse.errors import BrokerError
from lakehouse.ingest.lag import count, unread_offsets
from lakehouse.ingest.queries import INGEST
from lakehouse.paths import Places
from lakehouse.runtime.kafka_connection import Connection
from producer.traffic.faults import Record

EVERY, LOOK_SECONDS = 5_000, 0.2
# After so many looks in vain a person should know whom it waits for.
PATIENT_LOOKS = 150
WAITING = (
    "waiting for ingest, which is {behind:,} records behind: is `logpond stream` running on this "
    "lake? `--most-lag 0` does not wait"
)
# Before ingest has taken anything, a part of what may wait is enough for its first batches.
FIRST_PART = 5


@dataclass(frozen=True)
class Hold:
    """At most about `most` records may wait for ingest; `behind` returns how many do.

    While `is_idle()`, because it has taken none yet, a fifth: it needs the CPU more.
    """

    most: int
    behind: Callable[[], int]
    is_idle: Callable[[], bool] = lambda: False

    def __call__(
        self,
        records: Iterator[Record],
        queued: Callable[[], int],
        pump: Callable[[float], None],
        is_halted: Callable[[], bool],
        say: Callable[[str], None] = lambda _line: None,
    ) -> Iterator[Record]:
        """Yields the records, and pumps while too many wait: in Kafka, or `queued` before it.

        Says so once where a wait is long.
        """
        for number, record in enumerate(records):
            looks = 0
            while not number % EVERY and self._is_full(queued()) and not is_halted():
                looks += 1
                if looks == PATIENT_LOOKS:
                    say(WAITING.format(behind=self.behind()))
                pump(LOOK_SECONDS)
            yield record

    def _is_full(self, queued: int) -> bool:
        most = self.most // FIRST_PART if self.is_idle() else self.most
        return queued + self.behind() > most


def of_ingest(
    most: int, places: Places, connection: Connection, topics: Sequence[str]
) -> Hold | None:
    """Returns the hold for a lake's ingest; None where `most` is 0."""
    if not most:
        return None
    return Hold(most, lambda: _behind(places, connection, topics), lambda: _is_idle(places))


def _is_idle(places: Places) -> bool:
    """Whether no batch of ingest was ever completed."""
    progress = INGEST.checkpoint(places).progress()
    return progress is None or progress.completed is None


def _behind(places: Places, connection: Connection, topics: Sequence[str]) -> int:
    """Returns how many records of topics that are read no batch took; all, before a first start.

    A Kafka that does not answer is the publisher's to wait for.
    """
    manifest = INGEST.checkpoint(places).manifest()
    read = [name for name in topics if manifest is None or name in manifest.topics]
    try:
        return count(unread_offsets(places, connection, read)) if read else 0
    except BrokerError:
        return 0
