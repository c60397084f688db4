"""Microsoft Teams, by a workflow's webhook ("When a Teams webhook request is received")."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from anomaly.alerts.message import Message, cut
from anomaly.alerts.posting import Request
from anomaly.alerts.receiver import HttpReceiver

# A card may have 28 KB in all.
TEXT_MOST, FACT_MOST = 2000, 500
COLORS = {"info": "accent", "warning": "warning", "critical": "attention"}


class Kind(HttpReceiver):
    """`url` is that of the workflow."""

    kind: Literal["teams"] = "teams"

    def request(self, message: Message) -> Request:
        """An adaptive card. Its texts are runs, in which nothing is Markdown."""
        color = "good" if message.is_over else COLORS[message.severity]
        body: list[dict[str, Any]] = [
            _line(message.title, TEXT_MOST, weight="bolder", color=color),
            *(_line(f"{name}: {text}", FACT_MOST) for name, text in message.facts.items()),
        ]
        card: dict[str, Any] = {
            "type": "AdaptiveCard",
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "version": "1.4",
            "body": body,
        }
        links = {
            "Open the incident": self.link(message),
            "Runbook": message.facts.get("runbook", ""),
        }
        if any(links.values()):
            card["actions"] = [
                {"type": "Action.OpenUrl", "title": title, "url": link}
                for title, link in links.items()
                if link
            ]
        kind = "application/vnd.microsoft.card.adaptive"
        attachment = {"contentType": kind, "contentUrl": None, "content": card}
        post = {"type": "message", "attachments": [attachment]}
        return Request(self.address, msgspec.json.encode(post), {}, self.ca_file)


def _line(text: str, most: int, **look: str) -> dict[str, Any]:
    run = {"type": "TextRun", "text": cut(text, most), **look}
    return {"type": "RichTextBlock", "inlines": [run]}
