"""Builders: incidents that change, and a real HTTP server that fails when told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from support.lakes import Lake

from anomaly.alerts.alert import Change
from anomaly.alerts.alerts import Alerts
from anomaly.engine.incident import Incident, start_of
from lakehouse import settings

NOW = int(time.time()) // 60
FIRST = Incident(
    incident_id="00c0ffee00c0ffee",
    status="open",
    scope="endpoint",
    key="shop /cart",
    service="shop",
    endpoint="/cart",
    measure="traffic",
    direction="up",
    opened=start_of(NOW),
    last_breach=start_of(NOW),
    duration_minutes=1,
    observed=412.0,
    expected=96.0,
    lower=60.0,
    upper=151.0,
    ratio=4.29,
    n=5.0,
    surprise_opened=9.0,
    surprise_peak=9.0,
    severity="warning",
    reasons=["traffic up"],
    contributors=[],
    config="0" * 12,
    folded_to=start_of(NOW),
    sentence="shop /cart: 412 requests in 5 min",
)
HANGS, CUTS, DRIPS = 0, -1, -2


def changed(one: Incident = FIRST, minutes: int = 0, **fields: Any) -> Incident:
    """The incident so many minutes later."""
    return msgspec.structs.replace(one, folded_to=start_of(NOW + minutes), **fields)


OPENED = Change(None, FIRST)
WORSE = changed(minutes=2, severity="critical")
ESCALATED = Change(FIRST, WORSE)
ENDED = Change(WORSE, changed(WORSE, minutes=20, status="closed"))


@dataclass
class Receiver:
    """Answers with these codes in turn, then 200; `HANGS`, `CUTS` and `DRIPS` give none."""

    answers: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook?key=s3cret"

    @property
    def events(self) -> list[str]:
        """What was taken, in order."""
        return [told["event"] for told in self.taken]

    @contextmanager
    def listening(self) -> Iterator[Receiver]:
        """Up for a while; again at the same port."""
        with ThreadingHTTPServer(("127.0.0.1", self.port), self._handler()) as server:
            self.port = server.server_address[1]
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            yield self
            server.shutdown()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                told = json.loads(receiver.bodies[-1])
                code = receiver.answers.pop(0) if receiver.answers else 200
                receiver.asked.append((dict(self.headers), told))
                if code == HANGS:
                    time.sleep(2)
                if code == DRIPS:
                    self.drip()
                if code > 0:
                    receiver.taken += [told] if code == 200 else []
                    self.send_response(code)
                    for header in receiver.headers.items():
                        self.send_header(*header)
                    self.end_headers()

            def drip(self) -> None:
                """An answer that never ends, though something comes all the time."""
                with suppress(OSError):
                    for _ in range(100):
                        self.wfile.write(b"H")
                        time.sleep(0.05)

            def log_message(self, *_: Any) -> None:
                """Nothing on the terminal of the tests."""

        return Handler


def alerts(
    lake: Lake, receiver: Receiver, say: Callable[[str], None] = print, **own: Any
) -> Alerts:
    """The alerts of a lake, soon tired of waiting."""
    impatient = {"timeout_seconds": 1.5, "retry_seconds": 0.02, "retry_most_seconds": 0.1}
    given = {f"webhook_{name}": value for name, value in {**impatient, **own}.items()}
    its = settings.load(webhook_url=receiver.url, **given)
    return Alerts(lake.places, its, say)


def until(holds: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait for something that has to come."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)
