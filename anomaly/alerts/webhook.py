"""Sends waiting alerts in order, in a thread, and tries each again until it is accepted."""

from __future__ import annotations

import hashlib
import hmac
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Timer
from types import TracebackType
from typing import NamedTuple
from urllib.parse import urlsplit

from anomaly.alerts.alert import ENDED, Alert, Change, alert_of, event_of, nothing
from anomaly.alerts.outbox import REFUSED, SENT, Outbox
from lakehouse.errors import SettingsError
from lakehouse.paths import Places
from lakehouse.settings import Webhook as Settings
from lakehouse.tables.incidents import WITHDRAWN

# Answers that no repetition would change: the message itself is not taken.
REFUSING = frozenset({400, 405, 406, 410, 411, 413, 414, 415, 422})
ACCEPTED = range(200, 300)


class Hook(NamedTuple):
    """The webhook: its address, token and secret, and the seconds that an answer may take."""

    url: str
    token: str
    secret: str
    seconds: float


class Answer(NamedTuple):
    """Taken, refused for good, or neither: then try again, after `after` seconds at least."""

    is_taken: bool = False
    is_refused: bool = False
    why: str = ""
    after: float = 0.0


def post(hook: Hook, alert: Alert) -> Answer:
    """Sends one alert. All of it, the connection included, takes at most twice `seconds`."""
    try:
        with _connected(hook) as connection:
            connection.request("POST", _target(hook.url), alert.body, _headers(hook, alert))
            return _answer(connection.getresponse())
    except (OSError, ValueError, HTTPException) as error:
        return Answer(why=_words(error))


@contextmanager
def _connected(hook: Hook) -> Iterator[HTTPConnection]:
    """Opens a connection that is cut off at its time, even if the answer comes byte by byte."""
    parts = urlsplit(hook.url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=hook.seconds)
    connection.connect()
    cut = Timer(hook.seconds, _cut, (connection.sock,))
    cut.daemon = True
    cut.start()
    try:
        yield connection
    finally:
        cut.cancel()
        connection.close()


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _headers(hook: Hook, alert: Alert) -> dict[str, str]:
    own = {
        "Content-Type": "application/json",
        "User-Agent": "logpond",
        "Idempotency-Key": alert.name,
        "Connection": "close",
    }
    if hook.token:
        own["Authorization"] = f"Bearer {hook.token}"
    if hook.secret:
        own["X-Logpond-Signature"] = signature(hook.secret, alert.body, int(time.time()))
    return own


def signature(secret: str, body: bytes, at: int) -> str:
    """Returns the signature `t=<seconds since the epoch>,v1=<HMAC-SHA256 in hex>` of a body.

    It covers the time, a dot, and the body. The time is that of the try, so the receiver can refuse
    a message that was recorded long ago.
    """
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={signed.hexdigest()}"


def _answer(got: HTTPResponse) -> Answer:
    if got.status in ACCEPTED:
        return Answer(is_taken=True)
    asked = got.headers.get("Retry-After", "")
    after = float(asked) if asked.isdecimal() and len(asked) < 7 else 0.0
    return Answer(is_refused=got.status in REFUSING, why=f"it answers {got.status}", after=after)


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    return getattr(error, "strerror", None) or type(error).__name__


# Another process may have left something; its poke is not heard here.
LOOK_SECONDS = 30.0
# How long the end of the program may wait for an answer.
LAST_SECONDS = 5.0


@dataclass(frozen=True)
class Backoff:
    """Seconds before the second try; they double with each further try, up to `most`."""

    first: float = 1.0
    most: float = 300.0

    def after(self, failures: int, asked: float = 0.0) -> float:
        """Returns how long to wait after so many failures, with a random part."""
        doubled = self.first * 2.0 ** min(failures - 1, 30)
        return min(max(doubled * random.uniform(0.5, 1.0), asked), self.most)


class Webhook:
    """Sends the alerts of an outbox to one address; reports failure and recovery to `say`."""

    def __init__(
        self, hook: Hook, outbox: Outbox, say: Callable[[str], None], backoff: Backoff
    ) -> None:
        self._hook, self._outbox, self._say, self._patience = hook, outbox, say, backoff
        self._poked, self._stopping = threading.Event(), threading.Event()
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)

    def start(self) -> None:
        """Starts to send: what waits from earlier runs first, then what is offered."""
        self._thread.start()

    def poke(self) -> None:
        """Wakes the thread: an alert was offered."""
        self._poked.set()

    def stop(self) -> None:
        """Tries for a few more seconds to send what waits, then ends the thread."""
        self._stopping.set()
        self._poked.set()
        if self._thread.is_alive():
            self._thread.join(LAST_SECONDS)

    def _run(self) -> None:
        while True:
            self._poked.clear()
            try:
                wait = self._send_all()
            except Exception as error:  # a full disk, say: the stream must not end with this
                wait = self._failed(Answer(why=f"the outbox: {type(error).__name__}"))
            if self._stopping.is_set():
                return
            # while the address is dead, what is offered does not hasten the next try
            (self._stopping if self._failures else self._poked).wait(wait)

    def _send_all(self) -> float:
        """Sends until nothing waits or one fails. Returns the seconds until the next try."""
        while alert := self._outbox.next():
            answer = post(self._hook, alert)
            if not answer.is_taken and not answer.is_refused:
                return self._failed(answer)
            self._outbox.end(alert.name, SENT if answer.is_taken else REFUSED)
            self._went(answer)
        return LOOK_SECONDS

    def _failed(self, answer: Answer) -> float:
        self._failures += 1
        if self._failures == 1:
            self._say(f"the webhook fails: {answer.why}; alerts wait on disk and are tried again")
        return self._patience.after(self._failures, answer.after)

    def _went(self, answer: Answer) -> None:
        if answer.is_refused:
            self._say(f"the webhook refuses an alert for good: {answer.why}; it is counted")
        elif self._failures:
            self._say("the webhook works again")
        self._failures = 0


class Alerts:
    """Takes changes while it is open; without the address of a webhook it does nothing."""

    def __init__(self, places: Places, settings: Settings, say: Callable[[str], None]) -> None:
        self._old = timedelta(hours=settings.old_hours)
        self._webhook: Webhook | None = None
        if settings.url.get_secret_value():
            self._outbox = Outbox.of(places, settings.waiting_most)
            hook = hook_of(settings)
            backoff = Backoff(settings.retry_seconds, settings.retry_most_seconds)
            self._webhook = Webhook(hook, self._outbox, say, backoff)

    def __enter__(self) -> Alerts:
        if self._webhook:
            self._webhook.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        if self._webhook:
            self._webhook.stop()

    def take(self, changes: Sequence[Change]) -> None:
        """Keeps the changes that are to be sent, on disk.

        The same change again makes no second alert.
        """
        if self._webhook is None:
            return
        for change in changes:
            self._keep(change)
        self._webhook.poke()

    def _keep(self, change: Change) -> None:
        event = event_of(change, self._outbox.knows(change.after.incident_id))
        if event is None:
            return
        alert = alert_of(change.after, event)
        is_end, age = event in (ENDED, WITHDRAWN), datetime.now(UTC) - change.after.folded_to
        if age > self._old and not is_end:
            self._outbox.pass_over(alert)
        else:
            self._outbox.offer(alert)


def hook_of(settings: Settings) -> Hook:
    """Returns the webhook of the settings, with its secrets in the clear."""
    url, token, secret = (
        one.get_secret_value() for one in (settings.url, settings.token, settings.secret)
    )
    return Hook(url, token, secret, settings.timeout_seconds)


def send_test(settings: Settings) -> None:
    """Sends a test message. Raises SettingsError where it is not accepted."""
    if not settings.url.get_secret_value():
        raise SettingsError("there is no webhook", "set LOGPOND_WEBHOOK_URL, or webhook.url")
    answer = post(hook_of(settings), nothing())
    if not answer.is_taken:
        raise SettingsError(
            f"the webhook fails: {answer.why}", "look at webhook.url, token, secret"
        )
