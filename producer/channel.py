"""One topic of a run: what earlier starts left over, what is sent, and what is kept at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_connection import Connection
from producer import spool
from producer.publish import Publisher
from producer.traffic.faults import Record


class Channel:
    """A publisher to a topic, and the folder in which its unsent records wait."""

    def __init__(
        self,
        connection: Connection,
        topic: str,
        folder: Path,
        stop: threading.Event,
        notice: Callable[[str], None],
        beat: Callable[[], None],
    ) -> None:
        self.topic, self.folder, self._connection = topic, folder, connection
        self.out = Publisher(connection, topic, stop, notice, beat)
        self._left = spool.claim(folder)
        self._unread = spool.records(self._left)

    def check(self) -> None:
        """Raises BrokerError where the topic is not there."""
        kafka.describe(self._connection, self.topic)

    def resend(self) -> None:
        """Sends what earlier starts left over, first of all."""
        self.out.send(self._unread)
        self.out.drain()
        if not self.out.halted:
            spool.drop(self._left)

    def send(self, records: Iterable[Record]) -> None:
        """Hands records over."""
        self.out.send(records)

    def close(self) -> None:
        """Ends it: what is not acked, and what was not even tried, is unsent."""
        self.out.close()
        self.out.leave(self._unread)

    def keep(self) -> dict[str, Path]:
        """Keeps on disk what was not acked, as `kept`, and what was refused, as `refused`."""
        kept = spool.keep(self.folder, self.out.unsent)
        refused = spool.keep(self.folder, self.out.refused, spool.REFUSED)
        spool.drop(self._left)
        files = {"kept": kept, "refused": refused}
        return {name: file for name, file in files.items() if file}
