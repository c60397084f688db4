"""Pure. Checks whether a topic is still the one that was read, with the records it must have.

Offsets do not identify a topic: a topic that was made again starts them anew, and a broker that
lost its last records gives their offsets to others. So the topic is checked after each batch was
read, before its plan is written, and while nothing comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lakehouse.errors import BrokerError, CheckpointError
from lakehouse.ingest.runs import Run

Offsets = Mapping[int, int]
Bounds = Mapping[int, tuple[int, int]]
GO_ON = "go on from what is there: `logpond recover ingest`; `verify` lists what is lost"


def refuse_remade(topic: str, known: str, found: str) -> None:
    """Raises CheckpointError where the id of a topic is not the known one.

    Ids are never reused: the same one after reading proves that all records are of this topic.
    """
    if known != found:
        raise CheckpointError(
            f"topic {topic} was deleted and made again: its offsets start over, and its "
            "records would pass for others that the tables hold",
            "send to a topic of another name, and name that in the place of this one in the file "
            "of sources, or with --topic and `logpond recover ingest`; or start over: "
            "`logpond reset`",
        )


def refuse_moved_back(topic: str, bounds: Bounds, taken: Offsets) -> None:
    """Raises BrokerError where a partition ends before what was already taken."""
    for partition, offset in sorted(taken.items()):
        _, end = bounds.get(partition, (0, offset))
        if end < offset:
            raise BrokerError(
                f"partition {partition} of {topic} ends at offset {end}, but records up to "
                f"{offset - 1} were taken: its broker lost them, and new ones get their offsets",
                "send to a topic of another name, and name that in the place of this one in the "
                "file of sources, or with --topic and `logpond recover ingest`: records that get "
                "an offset a second time cannot be told from those before",
            )


def refuse_removed(topic: str, bounds: Bounds, following: Offsets) -> None:
    """Raises BrokerError where a partition begins after the offset to be read next."""
    for partition, offset in sorted(following.items()):
        first, _ = bounds.get(partition, (0, 0))
        if first > offset:
            raise removed(topic, Run(partition, offset, first - 1))


def refuse_unread(topic: str, bounds: Bounds, not_given: Iterable[Run]) -> None:
    """Raises BrokerError where offsets that were not returned may have been deleted before.

    Offsets that the topic still has after reading are never given to readers: they are of
    transactions, or were compacted away. For those before its first offset nobody can know.
    """
    for run in not_given:
        first, _ = bounds.get(run.partition, (0, 0))
        if first > run.first:
            raise removed(topic, Run(run.partition, run.first, min(run.last, first - 1)))


def removed(topic: str, run: Run) -> BrokerError:
    """Returns the error for records that do not exist any more."""
    return BrokerError(
        f"Kafka no longer holds the next records of {topic}: offsets {run.first} to {run.last} of "
        f"partition {run.partition} were removed before they were read, as by its retention",
        GO_ON,
    )
