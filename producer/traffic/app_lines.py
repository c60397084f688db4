"""What services of the shop say for themselves: JSON lines, logfmt lines, stack traces. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import orjson

from producer.traffic.clock import Stamper
from producer.traffic.curve import MICROS
from producer.traffic.faults import Record
from producer.traffic.scenarios import Incident

# While a burst of errors runs, so many lines of its service are about it.
ABOUT_A_BURST = 0.6
TROUBLES = {"error-burst", "outage", "latency-ramp"}
LEVELS = ("DEBUG",) * 2 + ("INFO",) * 16 + ("WARN",) + ("ERROR",)
HOSTS = 3
ORDERS = (
    ("orders.checkout", "order {order} placed by {user}"),
    ("orders.checkout", "basket of {user} has {n} items"),
    ("orders.stock", "reserved {n} of article {article}"),
    ("orders.stock", "article {article} is low: {n} left"),
    ("orders.mail", "confirmation of order {order} queued"),
)
PAYMENTS = (
    ("card", "payment authorised"),
    ("card", "payment captured"),
    ("invoice", "invoice sent"),
    ("ledger", "balance reconciled"),
)
TRACE = """\
Traceback (most recent call last):
  File "/srv/orders/checkout.py", line {line}, in place
    stock.reserve(order.items)
  File "/srv/orders/stock.py", line 88, in reserve
    raise OutOfStock(article)
orders.stock.OutOfStock: article {article}, order {order}"""
UPSTREAM = """\
Traceback (most recent call last):
  File "/srv/orders/client.py", line 41, in get
    answer.raise_for_status()
httpx.HTTPStatusError: {what} for {endpoint} of {service}"""


class AppLines:
    """Lines of `orders` (JSON) and `payments` (logfmt), `share` of them for each request.

    The same seed and the same calls give the same bytes. `incidents` are asked what runs now: then
    errors are about it.
    """

    def __init__(
        self, seed: int, share: float, incidents: Callable[[], Sequence[Incident]]
    ) -> None:
        self.made = 0
        self._random, self._stamp = Random(f"app lines {seed}"), Stamper()
        self._share, self._credit, self._incidents = share, 0.0, incidents

    def at_request(self, at: int) -> list[Record]:
        """Returns the lines that go with one more request of the second before a time."""
        self._credit += self._share
        lines = list[Record]()
        while self._credit >= 1:
            self._credit -= 1
            lines.append(self._line(at - int(self._random.random() * MICROS)))
        self.made += len(lines)
        return lines

    def _line(self, at: int) -> Record:
        trouble = next((i for i in self._incidents() if _is_trouble(i, at)), None)
        if trouble and self._random.random() < ABOUT_A_BURST:
            return self._about(trouble, at)
        return self._orders(at) if self._random.random() < 0.6 else self._payments(at)

    def _orders(self, at: int) -> Record:
        draw = self._random
        level, (logger, text) = draw.choice(LEVELS), draw.choice(ORDERS)
        facts = {
            "order": f"o-{draw.randrange(10**6):06d}",
            "user": f"user{draw.randrange(500)}",
            "article": draw.randrange(1000, 9000),
            "n": draw.randrange(1, 9),
        }
        line = self._json(at, level, logger, text.format(**facts))
        line |= {"order_id": facts["order"], "user": facts["user"]}
        if level == "ERROR":
            line["message"] = f"order {facts['order']} failed"
            line["exception"] = TRACE.format(line=draw.randrange(20, 200), **facts)
        return _record(line)

    def _payments(self, at: int) -> Record:
        draw = self._random
        level, (logger, text) = draw.choice(LEVELS), draw.choice(PAYMENTS)
        text = "payment declined" if level == "ERROR" else text
        amount, took = draw.randrange(100, 50_000) / 100, draw.randrange(3, 900)
        host = f"payments-{draw.randrange(HOSTS)}"
        line = (
            f"time={self._stamp(at)} level={level.lower()} service=payments host={host} "
            f'logger={logger} msg="{text}" amount={amount} currency=EUR took={took}ms'
        )
        return host.encode(), line.encode()

    def _about(self, trouble: Incident, at: int) -> Record:
        """An error of `orders` that asked the service in trouble."""
        label, draw = trouble.label, self._random
        what = "504 Gateway Timeout" if label.kind == "latency-ramp" else "503 Service Unavailable"
        where = {"service": label.service, "endpoint": label.endpoint or "/"}
        line = self._json(at, "ERROR", "orders.client", f"{label.service} does not answer: {what}")
        line |= {"upstream": label.service, "attempt": draw.randrange(1, 4)}
        return _record(line | {"exception": UPSTREAM.format(what=what, **where)})

    def _json(self, at: int, level: str, logger: str, message: str) -> dict[str, object]:
        return {
            "timestamp": self._stamp(at),
            "level": level,
            "service": "orders",
            "host": f"orders-{self._random.randrange(HOSTS)}",
            "logger": logger,
            "message": message,
            "trace_id": f"{self._random.getrandbits(128):032x}",
        }


def _is_trouble(incident: Incident, at: int) -> bool:
    return incident.label.kind in TROUBLES and incident.covers(at)


def _record(line: dict[str, object]) -> Record:
    return str(line["host"]).encode(), orjson.dumps(line)
