"""Keeps changes of incidents for each receiver that wants them, and has them sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType

from anomaly.alerts.alert import (
    ENDED,
    REPEATED,
    Alert,
    Change,
    alert_of,
    alert_of_resolve,
    event_after_resolve,
    event_of,
    is_of_resolve,
    nothing,
)
from anomaly.alerts.message import Message
from anomaly.alerts.outbox import Outbox
from anomaly.alerts.receiver import Receiver
from anomaly.alerts.receivers import receivers_of
from anomaly.alerts.sender import LAST_SECONDS, Backoff, Patience, Sender
from anomaly.engine.incident import Incident
from lakehouse.errors import SettingsError
from lakehouse.paths import Places
from lakehouse.response.action import Action, is_acknowledged, is_resolved
from lakehouse.response.actions import Actions
from lakehouse.settings import Settings, Webhook
from lakehouse.tables.incidents import OPEN, WITHDRAWN


class Alerts:
    """Takes changes while it is open; without a receiver it does nothing.

    Raises SettingsError where a receiver does not fit.
    """

    def __init__(self, places: Places, settings: Settings, say: Callable[[str], None]) -> None:
        its = settings.webhook
        self._old, patience = timedelta(hours=its.old_hours), patience_of(its)
        self._actions, self._seen = Actions(places), list[str]()
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
        if not self._senders:
            return
        done = self._actions.by_incident({change.after.incident_id for change in changes})
        for sender in self._senders:
            for change in changes:
                its = done.get(change.after.incident_id, ())
                self._keep(change, its, sender.receiver, sender.outbox)
            sender.poke()

    def take_resolved(self, open_ones: Callable[[], Iterable[Incident]]) -> None:
        """Keeps for each receiver that knows of it that somebody has resolved an open incident.

        The incidents are asked for only if somebody did something since the last call. The same
        again makes no second alert.
        """
        there = self._actions.names() if self._senders else []
        if there == self._seen:
            return
        by_id = {one.incident_id: one for one in open_ones()}
        for name, done in self._actions.by_incident(by_id.keys()).items():
            if is_resolved(done, by_id[name].severity, by_id[name].last_breach):
                self._keep_resolved(by_id[name], done)
        self._seen = there

    def _keep_resolved(self, one: Incident, done: Sequence[Action]) -> None:
        alert = alert_of_resolve(one, done)
        for sender in self._senders:
            if sender.outbox.newest(one.incident_id) not in ("", alert.name):
                sender.outbox.offer(alert)
                sender.poke()

    def _keep(
        self, change: Change, done: Sequence[Action], receiver: Receiver, outbox: Outbox
    ) -> None:
        now, after = datetime.now(UTC), change.after
        newest = outbox.newest(after.incident_id)
        event = event_of(change, bool(newest))
        still_resolved = is_resolved(done, after.severity, after.last_breach)
        if is_of_resolve(newest) or (still_resolved and not newest):
            event = event_after_resolve(change, still_resolved, bool(newest))
        elif event is None and newest and _is_due(receiver, outbox, after, done):
            event = REPEATED
        if event is None or not (newest or receiver.wants(after, now)):
            return
        alert = alert_of(after, event, done)
        is_end = event in (ENDED, WITHDRAWN)
        if now - after.folded_to > self._old and not is_end:
            outbox.pass_over(alert)
        else:
            outbox.offer(alert)


def _is_due(receiver: Receiver, outbox: Outbox, incident: Incident, done: Sequence[Action]) -> bool:
    """Whether an incident is open for so long that it is sent again.

    Not what somebody has taken on, but where the receiver would take silence for its end.
    """
    if not receiver.repeat_hours or incident.status != OPEN or incident.muted or incident.parent:
        return False
    if is_acknowledged(done) and not receiver.ends_by_silence:
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
