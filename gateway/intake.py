"""From messages of a request to its receipt: the one way that all protocols take into Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeVar

from starlette.requests import Request

from gateway.batch import Batch
from gateway.delivery import Delivery, Receipt
from gateway.memory import Share
from gateway.requests import Refused, unpacked
from lakehouse.errors import LogpondError
from lakehouse.sources import Sources

RETRY_SECONDS = 2
T = TypeVar("T")


@dataclass
class Intake:
    """Takes messages; one request after another is converted, as they share one interpreter.

    `topic` is that of the messages that are of no source.
    """

    delivery: Delivery
    unpacked_bytes: int
    topic: str
    sources: Sources
    _converting: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    async def converted(
        self, request: Request, convert: Callable[[bytes, Batch], T]
    ) -> tuple[Batch, T]:
        """The batch that a conversion of a request's body fills, and what it returns.

        It is made in a thread. The unpacked body is let go of afterwards, and no longer charged.
        Raises Refused where the body does not unpack, or holds more than one request may bring:
        messages of half of what all may hold.
        """
        share: Share = request.scope["share"]
        charged, batch = share.size, Batch(self.delivery.budget.most // 2)
        # in a list, out of which the conversion takes it: then nobody holds it any more
        body, loop = [await unpacked(request, self.unpacked_bytes)], asyncio.get_running_loop()
        found = await loop.run_in_executor(self._converting, lambda: convert(body.pop(), batch))
        share.release(keep=charged)
        return batch, found

    async def take(self, batch: Batch, topic: str = "") -> Receipt:
        """Sends the messages of a batch. Returns what became of its records, by their numbers.

        The batch is empty afterwards, so that nobody holds what Kafka has.
        Raises Full where there is no room now.
        """
        found = await self.delivery.send(batch.messages, topic or self.topic)
        if not batch.refused:
            return found
        sent = [number for number in range(batch.records) if number not in batch.refused]
        refused = {sent[n]: why for n, why in found.refused.items()}
        return Receipt(batch.refused | refused, {sent[n]: why for n, why in found.failed.items()})


def not_acknowledged(receipt: Receipt) -> Refused:
    """The refusal of a request whose records Kafka did not acknowledge, all or some."""
    why = next(iter(receipt.failed.values()))
    return Refused(
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"Kafka did not acknowledge {len(receipt.failed):,} of the records: {why}",
        "send all of them again, under the same Idempotency-Key if there is one",
        RETRY_SECONDS,
    )


def in_words(error: LogpondError) -> Refused:
    """The refusal of a request by an error of ours."""
    return Refused(HTTPStatus.BAD_REQUEST, error.what, error.remedy)
