"""The messages of one request as they are made: bounded in number and in bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus

from gateway.memory import A_MESSAGE
from gateway.requests import Refused

MOST_RECORDS = 100_000
# The largest message that Kafka is given.
MOST_BYTES = 1_000_000
# The longest text of a record that is read; no longer one makes a message that Kafka is given.
MOST_READ = 4 << 20
TOO_LONG = f"the record is longer than {MOST_BYTES:,} bytes"


@dataclass
class Batch:
    """Messages of at most `most` bytes, `A_MESSAGE` counted with each.

    Records are numbered as they are added. Those that are refused have no message, and `refused`
    says why, by their numbers.
    """

    most: int
    messages: list[bytes] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    records: int = 0
    size: int = 0

    def add(self, message: bytes | None) -> None:
        """Adds the message of a record; None stands for one that is too long.

        Raises Refused where the request brings more than is taken at once.
        """
        if message is None or len(message) > MOST_BYTES:
            self.refuse(TOO_LONG)
            return
        self._count(len(message))
        self.messages.append(message)

    def refuse(self, why: str) -> None:
        """Adds a record without a message. Raises Refused as `add` does."""
        self.refused[self.records] = why
        self._count(0)

    def _count(self, size: int) -> None:
        self.records += 1
        self.size += A_MESSAGE + size
        if self.records > MOST_RECORDS or self.size > self.most:
            raise too_many(self.most)


def too_many(most: int) -> Refused:
    """The refusal of a request with more records than are taken at once."""
    records = min(MOST_RECORDS, most // A_MESSAGE)
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"a request may bring {records:,} records, of {most >> 20} MiB together as messages "
        "(each repeats the attributes of its resource and scope); nothing of it was taken",
        "send it in several requests",
    )
