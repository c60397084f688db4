"""Asks Kafka in one thread: a page waits a moment for the answer, never for a timeout."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from typing import Any

from lakehouse.errors import BrokerError, LogpondError
from lakehouse.runtime import kafka_browser
from lakehouse.runtime.kafka_browser import PartitionState, Record, TopicState
from lakehouse.runtime.kafka_connection import Connection

WAIT_SECONDS, GOOD_FOR_SECONDS = 0.2, 2.0
KEPT, MOST_WAITING = 16, 4


@dataclass
class Asked:
    """A question to Kafka, and its answer once there is one."""

    at: float
    answer: Future[Any]

    @property
    def is_good(self) -> bool:
        """Whether it is being answered, or was answered recently."""
        return not self.answer.done() or time.monotonic() - self.at < GOOD_FOR_SECONDS


@dataclass
class Browser:
    """One Kafka for all requests; answers are at most some seconds old.

    A question waits 0.2 s, then raises BrokerError; the next request finds its answer.
    """

    connection: Connection
    _asked: OrderedDict[tuple[Any, ...], Asked] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="kafka")
    )

    def topics(self) -> list[TopicState]:
        """Returns the topics. Raises BrokerError where Kafka does not answer at once."""
        found: list[TopicState] = self._ask(("topics",), kafka_browser.topics, self.connection)
        return found

    def newest(self, topic: str, state: PartitionState, before: int | None) -> list[Record]:
        """Returns the last messages of a partition, or the last before an offset, newest first."""
        key = (topic, state, before)
        found: list[Record] = self._ask(key, kafka_browser.newest, self.connection, *key)
        return found

    def _ask(self, key: tuple[Any, ...], question: Callable[..., Any], *words: Any) -> Any:
        with self._lock:
            known = self._asked.get(key)
            if known is None or not known.is_good:
                known = self._asked[key] = self._put(question, *words)
            self._asked.move_to_end(key)
            while len(self._asked) > KEPT:
                self._asked.popitem(last=False)
        try:
            return known.answer.result(WAIT_SECONDS)
        except NotYet:
            raise BrokerError(
                f"Kafka at {self.connection} has not answered yet", "look again in a moment"
            ) from None

    def _put(self, question: Callable[..., Any], *words: Any) -> Asked:
        if sum(not one.answer.done() for one in self._asked.values()) >= MOST_WAITING:
            raise LogpondError("Kafka is asked too much at once", "look again in a moment")
        return Asked(time.monotonic(), self._thread.submit(question, *words))
