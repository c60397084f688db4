"""Wrong tokens, and how long their address has to wait."""

from __future__ import annotations

import logging

from lakehouse.http.attempts import Attempts
from lakehouse.http.logs import Sparing


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_each_address_waits_for_itself() -> None:
    """A guesser of IPv6 has a whole network of addresses."""
    attempts = Attempts(Clock())
    for _ in range(5):
        attempts.wrong("2001:db8::1", "/")
        attempts.wrong("::ffff:192.0.2.1", "/")
    assert attempts.wait("2001:db8::2") == attempts.wait("192.0.2.1") == 4.0
    assert attempts.wait("192.0.2.2") == attempts.wait("2001:db9::1") == 0.0


def test_the_wait_grows_up_to_five_minutes_and_is_forgotten() -> None:
    """After an hour without a wrong one."""
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(200):
        attempts.wrong("192.0.2.1", "/")
    assert attempts.wait("192.0.2.1") == 300.0
    clock.now += 3601
    assert attempts.wait("192.0.2.1") == 0.0


def test_so_many_addresses_are_kept() -> None:
    """The newest."""
    attempts = Attempts(Clock())
    for number in range(5000):
        attempts.wrong(f"10.0.{number // 250}.{number % 250}", "/")
    assert len(attempts._wrong) == 4096


def test_lines_are_bounded() -> None:
    """So many a minute; the next one tells how many were left out."""
    clock = Clock()
    sparing = Sparing(3, clock)

    def passed() -> list[str]:
        records = [logging.makeLogRecord({"msg": "wrong %d", "args": (n,)}) for n in range(10)]
        return [record.getMessage() for record in records if sparing.filter(record)]

    assert passed() == ["wrong 0", "wrong 1", "wrong 2"]
    clock.now = 60.0
    assert passed() == ["wrong 0 (7 left out)", "wrong 1", "wrong 2"]
