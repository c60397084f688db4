"""Keeps changes of incidents for each receiver that wants them, and has them sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType

from anomaly.alerts.alert import ENDED, REPEATED, Alert, Change, alert_of, event_of, nothing
from anomaly.alerts.message import Message
from anomaly.alerts.outbox import Outbox
from anomaly.alerts.receiver import Receiver
from anomaly.alerts.receivers import receivers_of
from anomaly.alerts.sender import LAST_SECONDS, Backoff, Patience, Sender
from anomaly.engine.incident import Incident
from lakehouse.errors import SettingsError
from lakehouse.paths import Places
from lakehouse.settings import Settings, Webhook
from lakehouse.tables.incidents import OPEN, WITHDRAWN


class Alerts:
    """Takes changes while it is open; without a receiver it does nothing.

    Raises SettingsError where a receiver does not fit.
    """

    def __init__(self, places: Places, settings: Settings, say: Callable[[str], None]) -> None:
        its = settings.webhook
        self._old, patience = timedelta(hours=its.old_hours), patience_of(its)
        self._senders = [
            Sender(name, receiver, Outbox.of(places, name, its.waiting_most), say, patience)
            for name, receiver in receivers_of(settings).items()
        ]

    def __enter__(self) -> Alerts:
        for sender in self._senders:
            sender.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        """Tries for a few more seconds to send what waits."""
        until = time.monotonic() + LAST_SECONDS
        for sender in self._senders:
            sender.end_soon()
        for sender in self._senders:
            sender.join(max(0.0, until - time.monotonic()))

    def take(self, changes: Sequence[Change]) -> None:
        """Keeps the changes that are to be sent, on disk.

        The same change again makes no second alert.
        """
        for sender in self._senders:
            for change in changes:
                self._keep(change, sender.receiver, sender.outbox)
            sender.poke()

    def _keep(self, change: Change, receiver: Receiver, outbox: Outbox) -> None:
        now, after = datetime.now(UTC), change.after
        was_sent = outbox.knows(after.incident_id)
        event = event_of(change, was_sent)
        if event is None and was_sent and _is_due(receiver, outbox, after):
            event = REPEATED
        if event is None or not (was_sent or receiver.wants(after, now)):
            return
        alert = alert_of(after, event)
        is_end = event in (ENDED, WITHDRAWN)
        if now - after.folded_to > self._old and not is_end:
            outbox.pass_over(alert)
        else:
            outbox.offer(alert)


def _is_due(receiver: Receiver, outbox: Outbox, incident: Incident) -> bool:
    """Whether an incident is open for so long that it is sent again."""
    if not receiver.repeat_hours or incident.status != OPEN or incident.muted or incident.parent:
        return False
    since = outbox.last(incident.incident_id)
    return time.time() - since >= receiver.repeat_hours * 3600 and receiver.wants(
        incident, datetime.now(UTC)
    )


def patience_of(settings: Webhook) -> Patience:
    """Returns how long receivers are waited for."""
    backoff = Backoff(settings.retry_seconds, settings.retry_most_seconds)
    return Patience(settings.timeout_seconds, backoff)


def send_test(settings: Settings, name: str) -> None:
    """Sends a test message to a receiver. Raises SettingsError where it is not accepted."""
    found = receivers_of(settings)
    if name not in found:
        known = (
            f"there are {', '.join(found)}" if found else "docs/receivers.md says how to name one"
        )
        raise SettingsError(f"there is no receiver {name}", known)
    alert: Alert = nothing()
    answer = found[name].deliver(Message.of(alert), settings.webhook.timeout_seconds)
    if not answer.is_taken:
        raise SettingsError(f"the receiver {name} fails: {answer.why}", "look at its settings")
