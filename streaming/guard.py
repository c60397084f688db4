"""Checks before each batch, and in between, that the topics are still those that were read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lakehouse.errors import BrokerError
from lakehouse.ingest import topic_check
from lakehouse.ingest.checkpoint import Checkpoint
from lakehouse.ingest.manifest import Manifest
from lakehouse.ingest.offsets import TopicOffsets
from lakehouse.ingest.runs import Run
from lakehouse.runtime.kafka import TopicsClient, TopicState
from lakehouse.runtime.kafka_client import FirmError

# How long one question may take; a batch asks again, an idle stream passes on.
PATIENCE_SECONDS, PAUSE_SECONDS = 3.0, 0.2


class StopBetweenBatches(Exception):
    """Raised instead of a batch that has committed nothing yet, when a stop was requested."""


class BatchesOfAnotherSize(Exception):
    """Raised behind a batch that is in the tables: the query is to be started again."""


@dataclass
class Guard:
    """Stops ingest with an error before it takes records of another topic, or skips lost ones."""

    manifest: Manifest
    checkpoint: Checkpoint
    topics: TopicsClient
    is_stopping: Callable[[], bool]

    def after_reading(self, end: TopicOffsets, not_given: Mapping[str, Sequence[Run]]) -> None:
        """Checks once records up to `end` were read; waits for a broker that does not answer."""
        states = self._awaited()
        for topic in end:
            state = states[topic]
            topic_check.refuse_remade(topic, self.manifest.ids[topic], state.id)
            topic_check.refuse_unread(topic, state.bounds, not_given.get(topic, ()))
            topic_check.refuse_moved_back(topic, state.bounds, end[topic])

    def between_batches(self) -> None:
        """Checks while nothing is read; a broker that does not answer is ignored."""
        taken = self._taken()
        try:
            states = self.topics.states()
        except FirmError:
            raise
        except BrokerError:
            return
        now = self._taken()
        for topic, state in states.items():
            topic_check.refuse_remade(topic, self.manifest.ids[topic], state.id)
            topic_check.refuse_moved_back(topic, state.bounds, taken[topic])
            topic_check.refuse_removed(topic, state.bounds, now[topic])

    def _taken(self) -> TopicOffsets:
        progress = self.checkpoint.progress()
        return self.checkpoint.end(progress.completed if progress else None)

    def _awaited(self) -> dict[str, TopicState]:
        while True:
            try:
                return self.topics.states()
            except FirmError:
                raise
            except BrokerError:
                if self.is_stopping():
                    raise StopBetweenBatches from None
                time.sleep(PAUSE_SECONDS)
