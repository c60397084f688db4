"""Pure. Whether a topic is still the one that is read, and holds what it must.

Offsets say nothing about their topic: one that was deleted and made again starts them over, and a
broker that lost its end gives them to other records. Nor does an offset that came from nobody say
why. So a topic is asked after each batch was read, before its plan is written down, and while
nothing comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lakehouse.errors import BrokerError, CheckpointError
from lakehouse.ingest.runs import Run

Offsets = Mapping[int, int]
Bounds = Mapping[int, tuple[int, int]]
GO_ON = "go on from what is there: `logpond recover ingest`; `verify` lists what is lost"


def refuse_remade(topic: str, known: str, found: str) -> None:
    """Raise CheckpointError where the id of a topic is another than was known.

    Ids never come back: the same one after reading proves that all came of the same topic.
    """
    if known != found:
        raise CheckpointError(
            f"topic {topic} was deleted and made again: its offsets start over, and its "
            "records would pass for others that the tables hold",
            "send to a topic of another name (--topic) and `logpond recover ingest` for that, or "
            "start over: `logpond reset`",
        )


def refuse_moved_back(topic: str, bounds: Bounds, taken: Offsets) -> None:
    """Raise BrokerError where a partition ends before what was taken of it."""
    for partition, offset in sorted(taken.items()):
        _, end = bounds.get(partition, (0, offset))
        if end < offset:
            raise BrokerError(
                f"partition {partition} of {topic} ends at offset {end}, but records up to "
                f"{offset - 1} were taken: its broker lost them, and new ones get their offsets",
                "send to a topic of another name (--topic) and `logpond recover ingest` for that: "
                "records that get an offset a second time cannot be told from those before",
            )


def refuse_removed(topic: str, bounds: Bounds, following: Offsets) -> None:
    """Raise BrokerError where a partition begins after the offset that is to be read next."""
    for partition, offset in sorted(following.items()):
        first, _ = bounds.get(partition, (0, 0))
        if first > offset:
            raise removed(topic, Run(partition, offset, first - 1))


def refuse_unread(topic: str, bounds: Bounds, not_given: Iterable[Run]) -> None:
    """Raise BrokerError where offsets that nobody gave may have been removed before they were read.

    Those that the topic has after reading it never gives to a reader: they are of transactions,
    or were compacted away. Of those before its first nobody can know.
    """
    for run in not_given:
        first, _ = bounds.get(run.partition, (0, 0))
        if first > run.first:
            raise removed(topic, Run(run.partition, run.first, min(run.last, first - 1)))


def removed(topic: str, run: Run) -> BrokerError:
    """Records that are not there any more."""
    return BrokerError(
        f"Kafka no longer holds the next records of {topic}: offsets {run.first} to {run.last} of "
        f"partition {run.partition} were removed before they were read, as by its retention",
        GO_ON,
    )
