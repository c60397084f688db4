"""What a receiver is told, as the outbox keeps it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from anomaly.alerts.alert import ENDED, Alert
from lakehouse.response.action import Action
from lakehouse.tables.incidents import RESOLVED, WITHDRAWN

TEST = "test"


@dataclass(frozen=True)
class Message:
    """One alert; `incident` is a row of `anomalies`, and None in a test message."""

    name: str
    event: str
    text: str
    body: bytes
    incident: dict[str, Any] | None
    actions: Sequence[Action] = ()

    @classmethod
    def of(cls, alert: Alert) -> Message:
        """Reads what waits in the outbox."""
        read = msgspec.json.decode(alert.body)
        done = msgspec.convert(read.get("actions", ()), tuple[Action, ...])
        return cls(alert.name, read["event"], read["text"], alert.body, read["incident"], done)

    @property
    def is_over(self) -> bool:
        """Whether it says that an incident closed, is resolved, or was none."""
        return self.event in (ENDED, RESOLVED, WITHDRAWN)

    @property
    def title(self) -> str:
        """Returns one line of plain text: for whom no character of it is markup."""
        if self.incident is None:
            return self.text
        sentence = " ".join(str(self.incident["sentence"]).split())
        return f"{self.severity} {self.event}: {sentence}"

    @property
    def severity(self) -> str:
        """Returns `info`, `warning` or `critical`."""
        return str(self.incident["severity"]) if self.incident else "info"

    @property
    def key(self) -> str:
        """Returns what all messages about one incident share."""
        return str(self.incident["incident_id"]) if self.incident else f"logpond-{TEST}"

    @property
    def facts(self) -> dict[str, str]:
        """Returns what an incident is about, by the names of its columns; empty ones are left out.

        `reasons` are a line each, and so are `actions`: what people did. `labels` and `runbook` are
        those of a rule.
        """
        if self.incident is None:
            return {}
        names = ("service", "endpoint", "ip", "measure", "direction", "opened", "closed")
        facts = {name: str(self.incident.get(name) or "") for name in names}
        facts["reasons"] = "\n".join(map(str, self.incident["reasons"]))
        facts["labels"] = ", ".join(f"{name}={value}" for name, value in self.labels.items())
        facts["runbook"] = str(self.incident.get("runbook") or "")
        facts["actions"] = "\n".join(one.line for one in self.actions)
        return {name: text for name, text in facts.items() if text}

    @property
    def labels(self) -> dict[str, str]:
        """Returns the labels of the rule that raised it, and those of its group."""
        listed = (self.incident or {}).get("labels") or []
        return dict(str(label).partition("=")[::2] for label in listed)

    def time(self, name: str) -> datetime:
        """Returns a time of the incident; now, in a test message."""
        text = self.incident.get(name) if self.incident else None
        return datetime.fromisoformat(text) if text else datetime.now(UTC)


def cut(text: str, most: int) -> str:
    """Returns a text of at most so many characters; a longer one ends with an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"
