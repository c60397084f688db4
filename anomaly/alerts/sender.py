"""Sends waiting alerts in order, in a thread, and tries each again until it is accepted."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from anomaly.alerts.message import Message
from anomaly.alerts.outbox import REFUSED, SENT, Outbox
from anomaly.alerts.posting import Answer
from anomaly.alerts.receiver import Receiver

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


@dataclass(frozen=True)
class Patience:
    """How long an answer may take [s], and how long to wait after one that did not come."""

    seconds: float
    backoff: Backoff


class Sender:
    """Sends the alerts of an outbox to one receiver; reports failure and recovery to `say`."""

    def __init__(
        self,
        name: str,
        receiver: Receiver,
        outbox: Outbox,
        say: Callable[[str], None],
        patience: Patience,
    ) -> None:
        self.receiver, self.outbox = receiver, outbox
        self._name, self._say, self._patience = name, say, patience
        self._poked, self._stopping = threading.Event(), threading.Event()
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name=f"alerts-{name}", daemon=True)

    def start(self) -> None:
        """Starts to send: what waits from earlier runs first, then what is offered."""
        self._thread.start()

    def poke(self) -> None:
        """Wakes the thread: an alert was offered."""
        self._poked.set()

    def end_soon(self) -> None:
        """Has the thread end after its present try."""
        self._stopping.set()
        self._poked.set()

    def join(self, seconds: float) -> None:
        """Waits for the end of the thread, so long at most."""
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            self._poked.clear()
            try:
                wait = self._send_all()
            except Exception as error:  # a full disk, say: the stream must not end with this
                wait = self._failed(Answer(why=f"the outbox: {type(error).__name__}"))
            if self._stopping.is_set():
                return
            # while the receiver is dead, what is offered does not hasten the next try
            (self._stopping if self._failures else self._poked).wait(wait)

    def _send_all(self) -> float:
        """Sends until nothing waits or one fails. Returns the seconds until the next try."""
        while alert := self.outbox.next():
            answer = self.receiver.deliver(Message.of(alert), self._patience.seconds)
            if not answer.is_taken and not answer.is_refused:
                return self._failed(answer)
            self.outbox.end(alert.name, SENT if answer.is_taken else REFUSED)
            self._went(answer)
        return LOOK_SECONDS

    def _failed(self, answer: Answer) -> float:
        self._failures += 1
        if self._failures == 1:
            what = f"the receiver {self._name} fails: {answer.why}"
            self._say(f"{what}; alerts wait on disk and are tried again")
        return self._patience.backoff.after(self._failures, answer.after)

    def _went(self, answer: Answer) -> None:
        if answer.is_refused:
            what = f"the receiver {self._name} refuses an alert for good: {answer.why}"
            self._say(f"{what}; it is counted")
        elif self._failures:
            self._say(f"the receiver {self._name} works again")
        self._failures = 0
