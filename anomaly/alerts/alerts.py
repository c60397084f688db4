"""What is done with incidents that changed: kept for the webhook before the table has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from types import TracebackType

from anomaly.alerts.alert import ENDED, Change, alert_of, event_of, nothing
from anomaly.alerts.outbox import Outbox
from anomaly.alerts.post import Hook, post
from anomaly.alerts.webhook import Patience, Webhook
from lakehouse.errors import SettingsError
from lakehouse.paths import Places
from lakehouse.settings import Webhook as Settings


class Alerts:
    """Takes changes while it is open; without an address it does nothing."""

    def __init__(self, places: Places, settings: Settings, say: Callable[[str], None]) -> None:
        self._old = timedelta(hours=settings.old_hours)
        self._webhook: Webhook | None = None
        if settings.url.get_secret_value():
            self._outbox = Outbox(places.alerts, settings.waiting_most)
            hook = hook_of(settings)
            patience = Patience(settings.retry_seconds, settings.retry_most_seconds)
            self._webhook = Webhook(hook, self._outbox, say, patience)

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
        """Keep what is to be told, on disk; the same change again is no second alert."""
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
        if event != ENDED and datetime.now(UTC) - change.after.folded_to > self._old:
            self._outbox.pass_over(alert)
        else:
            self._outbox.offer(alert)


def hook_of(settings: Settings) -> Hook:
    """Where to, as whom, and how long an answer may take."""
    secrets = settings.url.get_secret_value(), settings.token.get_secret_value()
    return Hook(*secrets, settings.timeout_seconds)


def try_out(settings: Settings) -> None:
    """Post a message that means nothing; SettingsError where it is not taken."""
    if not settings.url.get_secret_value():
        raise SettingsError("there is no webhook", "set LOGPOND_WEBHOOK_URL, or webhook.url")
    answer = post(hook_of(settings), nothing())
    if not answer.is_taken:
        raise SettingsError(f"the webhook fails: {answer.why}", "look at webhook.url and its token")
