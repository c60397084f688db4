"""Which rule of a policy a key of a record comes under: also by its case and its other names. Pure.

A rule of a field is for what is within it too (`user.id`), and for the usual other names of the
field (`user_id`, `username`), which would stand beside it as attributes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from lakehouse.event.fields import LogEvent
from lakehouse.event.policy import ATTRIBUTES, Action, Policy
from lakehouse.formats.names import names_of, plain
from lakehouse.formats.values import is_address

# Other names of fields that as often name an object with more than the field in it.
WIDE = frozenset(
    (
        *("agent", "application", "body", "category", "client", "component", "computer", "event"),
        *("description", "hostname", "log", "machine", "node", "request", "server", "stack"),
        *("span", "target", "text", "trace", "url", "uri"),
    )
)
# A program as often as its address.
UNSURE = "client"


@dataclass(frozen=True)
class Cover:
    """The action of each key by a policy."""

    policy: Policy

    @cached_property
    def _attributes(self) -> dict[str, Action]:
        """The rules of attributes, by their key in lower case."""
        start = f"{ATTRIBUTES}."
        rules = self.policy.actions.items()
        return {
            name.removeprefix(start).lower(): action
            for name, action in rules
            if name.startswith(start)
        }

    @cached_property
    def _fields(self) -> dict[str, Action]:
        """The rules of fields, by each of their names; a name of a field is that of no other."""
        fields = [name for name in LogEvent.__dataclass_fields__ if name in self.policy.actions]
        others = {
            name: self.policy.actions[field]
            for field in reversed(fields)
            for name in names_of(field)
            if name not in LogEvent.__dataclass_fields__
        }
        return others | {field: self.policy.actions[field] for field in fields}

    def action(self, key: str, text: str | None = None) -> Action:
        """What becomes of a key of a record, dotted where it is within others; `text` is its value.

        The longest rule of an attribute comes first, then that of a field. A value that does not
        fit its field, or that another one hides (`original.user`, `user#2`), comes under it too.
        """
        own = re.sub(r"#\d+$", "", key.removeprefix("original."))
        for name in (*_outer(key), *_outer(own)):
            if name.lower() in self._attributes:
                return self._attributes[name.lower()]
        for name in _outer(own):
            field = plain(name)
            is_meant = name == own or field not in WIDE
            if field in self._fields and is_meant and not _is_unsure(field, text):
                return self._fields[field]
        return "keep"


def _outer(key: str) -> list[str]:
    """A key, and those that it is within: `a.b`, `a`."""
    parts = key.split(".")
    return [".".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _is_unsure(field: str, text: str | None) -> bool:
    return field == UNSURE and text is not None and not is_address(text.strip())
