"""A thread that sends what waits, in order, and tries again until it is taken."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from anomaly.alerts.outbox import REFUSED, SENT, Outbox
from anomaly.alerts.post import Answer, Hook, post

# Another process may have left something; its poke is not heard here.
LOOK_SECONDS = 30.0
# How long the end of the program may wait for an answer.
LAST_SECONDS = 5.0


@dataclass(frozen=True)
class Patience:
    """Seconds before the second try, doubled with each further one up to `most`."""

    first: float = 1.0
    most: float = 300.0

    def after(self, failures: int, asked: float = 0.0) -> float:
        """How long to wait after so many failures; never all senders at once."""
        doubled = self.first * 2.0 ** min(failures - 1, 30)
        return min(max(doubled * random.uniform(0.5, 1.0), asked), self.most)


class Webhook:
    """Sends the alerts of an outbox to one address; `say` hears when it fails and works again."""

    def __init__(
        self, hook: Hook, outbox: Outbox, say: Callable[[str], None], patience: Patience
    ) -> None:
        self._hook, self._outbox, self._say, self._patience = hook, outbox, say, patience
        self._poked, self._stopping = threading.Event(), threading.Event()
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)

    def start(self) -> None:
        """Send what waits from earlier runs, then what is offered."""
        self._thread.start()

    def poke(self) -> None:
        """Something was offered."""
        self._poked.set()

    def stop(self) -> None:
        """Try once more to send what waits, for a few seconds, then end."""
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
        """Send until nothing waits or one is not taken; seconds until the next try."""
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
