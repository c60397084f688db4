"""Asks a topic, batch by batch and in between, whether it is the one that is read."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lakehouse.errors import BrokerError
from lakehouse.ingest import topic_check
from lakehouse.ingest.checkpoint import Checkpoint, Manifest, Offsets
from lakehouse.ingest.runs import Run
from lakehouse.runtime.kafka import TopicClient, TopicState, UnknownTopicError

# How long one question may take; a batch asks again, an idle stream passes on.
PATIENCE_SECONDS, PAUSE_SECONDS = 3.0, 0.2


class StopBetweenBatches(Exception):
    """Raised instead of a batch, before it committed anything, when a stop was asked for."""


@dataclass
class Guard:
    """What stops ingest, in words, before it takes records for others or passes over lost ones."""

    manifest: Manifest
    checkpoint: Checkpoint
    topic: TopicClient
    is_stopping: Callable[[], bool]

    def after_reading(self, end: Offsets, not_given: Sequence[Run]) -> None:
        """Once records up to `end` were read: waits for a broker that does not answer."""
        topic, state = self.manifest.topic, self._awaited()
        topic_check.refuse_remade(topic, self.manifest.topic_id, state.id)
        topic_check.refuse_unread(topic, state.bounds, not_given)
        topic_check.refuse_moved_back(topic, state.bounds, end)

    def between_batches(self) -> None:
        """While nothing is read; a broker that does not answer says nothing."""
        taken, topic = self._taken(), self.manifest.topic
        try:
            state = self.topic.state()
        except UnknownTopicError:
            raise
        except BrokerError:
            return
        topic_check.refuse_remade(topic, self.manifest.topic_id, state.id)
        topic_check.refuse_moved_back(topic, state.bounds, taken)
        topic_check.refuse_removed(topic, state.bounds, self._taken())

    def _taken(self) -> Offsets:
        progress = self.checkpoint.progress()
        return self.checkpoint.end(progress.completed if progress else None)

    def _awaited(self) -> TopicState:
        while True:
            try:
                return self.topic.state()
            except UnknownTopicError:
                raise
            except BrokerError:
                if self.is_stopping():
                    raise StopBetweenBatches from None
                time.sleep(PAUSE_SECONDS)
