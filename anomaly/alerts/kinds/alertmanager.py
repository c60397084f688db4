"""Prometheus Alertmanager, by its API v2: its own routes, groups and silences then hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

import msgspec
from pydantic import SecretStr

from anomaly.alerts.message import Message
from anomaly.alerts.posting import Request
from anomaly.alerts.receiver import Hours, HttpReceiver, Token
from lakehouse.tables.incidents import SEVERITIES

PATH = "/api/v2/alerts"
# Alertmanager takes an alert for over when nobody has repeated it for so long.
OPEN_FOR = timedelta(hours=24)
REPEAT_HOURS = 12.0


class Kind(HttpReceiver):
    """`url` is where Alertmanager is, as `http://127.0.0.1:9093`."""

    kind: Literal["alertmanager"] = "alertmanager"
    token: Token = SecretStr("")
    """With one, posts carry `Authorization: Bearer <token>`."""
    token_file: str = ""
    repeat_hours: Hours = REPEAT_HOURS
    ends_by_silence: ClassVar[bool] = True

    def has_secret(self) -> bool:
        """The message itself has none."""
        return bool(self.token.get_secret_value())

    def request(self, message: Message) -> Request:
        """The alert, open for a day or over; of other severities it is over, as it has changed."""
        alerts = msgspec.json.encode([*self._alerts(message)])
        token = self.token.get_secret_value()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return Request(self.address.rstrip("/") + PATH, alerts, headers, self.ca_file)

    def _alerts(self, message: Message) -> Iterator[dict[str, Any]]:
        now = datetime.now(UTC)
        if message.incident is None:
            yield self._alert(message, "info", now + timedelta(minutes=1))
            return
        over = message.time("closed") if message.is_over else now
        for severity in SEVERITIES:
            is_open = severity == message.severity and not message.is_over
            yield self._alert(message, severity, now + OPEN_FOR if is_open else over)

    def _alert(self, message: Message, severity: str, ends: datetime) -> dict[str, Any]:
        names = ("service", "endpoint", "ip", "measure", "direction")
        facts = {name: text for name, text in message.facts.items() if name in names}
        alert = {
            "labels": {
                **_labels(message),
                "alertname": "LogpondIncident" if message.incident else "LogpondTest",
                "incident_id": message.key,
                "severity": severity,
                **facts,
            },
            "annotations": {
                "summary": message.title,
                "description": "\n".join(
                    filter(None, map(message.facts.get, ("reasons", "actions")))
                ),
                **({"runbook_url": message.facts["runbook"]} if "runbook" in message.facts else {}),
            },
            "startsAt": message.time("opened").isoformat(),
            "endsAt": max(ends, message.time("opened")).isoformat(),
        }
        link = self.link(message)
        return {**alert, "generatorURL": link} if link else alert


def _labels(message: Message) -> dict[str, str]:
    """Returns the labels of a rule by names that Alertmanager takes; empty ones it does not."""
    named = {re.sub(r"\W", "_", name, flags=re.A): value for name, value in message.labels.items()}
    if rule := (message.incident or {}).get("rule"):
        named["rule"] = rule
    return {name: value for name, value in named.items() if value and not name[0].isdigit()}
