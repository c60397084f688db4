"""PagerDuty, by its Events API v2: an incident of ours is one of theirs, and ends with it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from pydantic import Field, SecretStr, model_validator

from anomaly.alerts.message import Message, cut
from anomaly.alerts.posting import Request
from anomaly.alerts.receiver import Address, HttpReceiver, Token

EVENTS = "https://events.pagerduty.com/v2/enqueue"
SUMMARY_MOST = 1024


class Kind(HttpReceiver):
    """`key` is the integration's; `url` is for the region of Europe, or an event router."""

    kind: Literal["pagerduty"] = "pagerduty"
    url: Address = SecretStr(EVENTS)
    key: Token = Field(default=SecretStr(""))
    key_file: str = ""

    @model_validator(mode="after")
    def _check_key(self) -> Kind:
        if not self.key.get_secret_value():
            raise ValueError("it needs the key of an integration: key, or key_file")
        return self

    def request(self, message: Message) -> Request:
        """`trigger` as long as it is open, `resolve` at its end, all under the incident's id."""
        event: dict[str, Any] = {
            "routing_key": self.key.get_secret_value(),
            "event_action": "resolve" if message.is_over else "trigger",
            "dedup_key": message.key,
        }
        if not message.is_over:
            facts = message.facts
            event["client"] = "logpond"
            event["payload"] = {
                "summary": cut(message.title, SUMMARY_MOST),
                "source": facts.get("service") or facts.get("ip") or "logpond",
                "severity": message.severity,
                "timestamp": message.time("opened").isoformat(),
                "component": facts.get("endpoint", ""),
                "class": facts.get("measure", ""),
                "custom_details": facts,
            }
            links = {self.link(message): "Open the incident", facts.get("runbook", ""): "Runbook"}
            if any(links):
                event["links"] = [
                    {"href": link, "text": text} for link, text in links.items() if link
                ]
        return Request(self.address, msgspec.json.encode(event), {}, self.ca_file)
