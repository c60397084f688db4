"""Why nothing can be sent to Kafka, if so, asked of it seldom however often it is asked here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

KEPT_SECONDS = 1.0


class Readiness:
    """An answer that holds for a second; whoever asks meanwhile waits for the same one."""

    def __init__(
        self, look: Callable[[], str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._look, self._clock = look, clock
        self._looking: asyncio.Task[tuple[str, float]] | None = None

    async def __call__(self) -> str:
        """The newest answer, or another if that is older than a second."""
        if self._looking is None or (self._looking.done() and self._is_old(self._looking)):
            self._looking = asyncio.create_task(asyncio.to_thread(self._looked))
        return (await asyncio.shield(self._looking))[0]

    def _looked(self) -> tuple[str, float]:
        return self._look(), self._clock()

    def _is_old(self, looked: asyncio.Task[tuple[str, float]]) -> bool:
        failed = looked.cancelled() or looked.exception()
        return bool(failed) or self._clock() - looked.result()[1] > KEPT_SECONDS
