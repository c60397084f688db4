"""Slack, by an incoming webhook; Mattermost and Rocket.Chat take the same."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from anomaly.alerts.alert import without_markup
from anomaly.alerts.message import Message, cut
from anomaly.alerts.posting import Request
from anomaly.alerts.receiver import HttpReceiver

# Slack's limit for the text of a section is 3,000 characters.
TEXT_MOST = 2900
SIGNS = {"info": ":information_source:", "warning": ":warning:", "critical": ":rotating_light:"}


class Kind(HttpReceiver):
    """`url` is that of the incoming webhook."""

    kind: Literal["slack"] = "slack"

    def request(self, message: Message) -> Request:
        """One line, the reasons, and a link; names out of logs are no markup, mention or link."""
        sign = ":white_check_mark:" if message.is_over else SIGNS[message.severity]
        lines = [f"{sign} {message.text}"]
        facts = (
            message.facts.get(name, "").split("\n") for name in ("reasons", "labels", "actions")
        )
        lines += [f"• {without_markup(one)}" for each in facts for one in each]
        text = cut("\n".join(line for line in lines if line != "• "), TEXT_MOST)
        blocks: list[dict[str, Any]] = [
            {"type": "section", "text": {"type": "mrkdwn", "text": text}}
        ]
        links = {
            self.link(message): "open the incident",
            message.facts.get("runbook", ""): "runbook",
        }
        if any(links):
            text = " · ".join(f"<{_url(link)}|{name}>" for link, name in links.items() if link)
            label = {"type": "mrkdwn", "text": text}
            blocks.append({"type": "context", "elements": [label]})
        body = {"text": cut(message.text, TEXT_MOST), "blocks": blocks}
        return Request(self.address, msgspec.json.encode(body), {}, self.ca_file)


def _url(link: str) -> str:
    """Returns an address that ends neither the link nor its label."""
    return link.replace("&", "&amp;").replace("|", "%7C").replace(">", "%3E").replace("<", "%3C")
