"""Wrong tokens: each makes its address wait longer for the next try, and is a line of the log."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address

FREE_TRIES, FIRST_SECONDS, MOST_SECONDS = 2, 1.0, 300.0
FORGOTTEN_SECONDS, ADDRESSES_KEPT = 3600.0, 4096
AUDIT = logging.getLogger("logpond.audit")


@dataclass
class Attempts:
    """Wrong tokens by address, in memory, the newest addresses only."""

    clock: Callable[[], float] = time.monotonic
    _wrong: OrderedDict[str, tuple[int, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self, address: str) -> float:
        """The seconds until this address may try a token again; 0 where it may now."""
        with self._lock:
            count, last = self._known(_network(address))
        return max(0.0, last + _delay(count) - self.clock()) if count > FREE_TRIES else 0.0

    def wrong(self, address: str, where: str) -> None:
        """Note a wrong token. After two, the address waits 1 s, 2 s, 4 s and so on, up to 300 s."""
        network = _network(address)
        with self._lock:
            count = self._known(network)[0] + 1
            self._wrong[network] = count, self.clock()
            self._wrong.move_to_end(network)
            while len(self._wrong) > ADDRESSES_KEPT:
                self._wrong.popitem(last=False)
        AUDIT.warning("wrong token from %s for %r (number %d)", network, where[:60], count)

    def _known(self, network: str) -> tuple[int, float]:
        count, last = self._wrong.get(network, (0, 0.0))
        return (0, 0.0) if self.clock() - last > FORGOTTEN_SECONDS else (count, last)


def _delay(count: int) -> float:
    """The wait [s] after so many wrong tokens."""
    return min(MOST_SECONDS, FIRST_SECONDS * 2.0 ** min(count - FREE_TRIES - 1, 30))


def _network(address: str) -> str:
    """An address as one guesser has it: of IPv6 the first half, for the rest is free to choose."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return f"{IPv6Address(int(found) >> 64 << 64)}/64"
    return str(getattr(found, "ipv4_mapped", None) or found)
