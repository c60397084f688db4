"""Kafka is asked once a second, however many ask whether it answers."""

from __future__ import annotations

import asyncio

from support.serving import awaited

from gateway.readiness import Readiness


class Kafka:
    """One that answers at first, and then no more."""

    def __init__(self) -> None:
        self.asked, self.now = 0, 0.0

    def fault(self) -> str:
        """Why it does not answer."""
        self.asked += 1
        return "" if self.asked == 1 else "away"

    def clock(self) -> float:
        """A clock that is set by hand."""
        return self.now


def test_an_answer_is_shared_and_holds_for_a_second() -> None:
    """Also among a hundred who ask at once."""
    kafka = Kafka()

    async def asked() -> list[str]:
        ready = Readiness(kafka.fault, kafka.clock)
        found = {*await asyncio.gather(*(ready() for _ in range(100)))}
        answers = [*found, await ready()]
        for kafka.now in (0.9, 1.5, 2.4):
            answers.append(await ready())
        return answers

    assert awaited(asked()) == ["", "", "", "away", "away"]
    assert kafka.asked == 2
