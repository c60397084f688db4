"""What becomes of single fields before they are written: kept, hashed, cut or dropped. Pure."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from lakehouse.event.fields import LogEvent

Action = Literal["keep", "hash", "cut", "drop"]
ACTIONS: tuple[str, ...] = get_args(Action)
ATTRIBUTES = "attributes"
ADDRESS = "ip"
# Each event has them, and rows are found by them.
NEEDED = ("event_id", "timestamp", "service")
# Hexadecimal digits of a hash: 96 bits, so that no two of a lake are alike.
DIGITS = 24
PREFIX = {4: 24, 6: 48}


@dataclass(frozen=True)
class Policy:
    """Action by field (`ip`, `user`, `attributes.KEY`), and the key of hashes, which is secret."""

    actions: Mapping[str, Action] = field(default_factory=dict)
    key: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        """Raises ValueError, in words, for a field or an action that is none."""
        for name, action in self.actions.items():
            _check(name, action)
        if "hash" in self.actions.values() and len(self.key) < 16:
            raise ValueError("a hash needs a key of 16 letters at least")

    def action(self, name: str) -> Action:
        """What becomes of a field."""
        return self.actions.get(name, "keep")

    def of(self, action: Action) -> Callable[[str], str | None]:
        """Returns what an action makes of a text."""
        made: dict[str, Callable[[str], str | None]] = {
            "keep": lambda text: text,
            "hash": self._hash,
            "cut": cut,
            "drop": lambda _text: None,
        }
        return made[action]

    def _hash(self, text: str) -> str:
        digest = hmac.new(self.key, text.encode(errors="surrogatepass"), hashlib.sha256)
        return digest.hexdigest()[:DIGITS]


KEEPS_ALL = Policy()


def cut(address: str) -> str | None:
    """Returns the network of an address, /24 or /48, by its first address; None for no address."""
    try:
        found: Any = ipaddress.ip_address(address.strip())
    except ValueError:
        return None
    found = getattr(found, "ipv4_mapped", None) or found
    network = ipaddress.ip_network((int(found), PREFIX[found.version]), strict=False)
    return str(network.network_address)


def parsed(text: str) -> dict[str, Any]:
    """Returns action by field: of `ip=cut, user=hash`. Raises ValueError, in words, for faults."""
    found: dict[str, Any] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, sign, action = (part.strip() for part in pair.rpartition("="))
        if not sign or name in found:
            raise ValueError(f"{pair}: say each field once, as ip=cut or user=hash")
        _check(name, action)
        found[name] = action
    return found


def _check(name: str, action: str) -> None:
    known = [of for of in LogEvent.__dataclass_fields__ if of not in NEEDED]
    texts = [of for of in known if LogEvent.__dataclass_fields__[of].type in ("str | None", "str")]
    is_attribute = name.startswith(f"{ATTRIBUTES}.") and name != f"{ATTRIBUTES}."
    if action not in ACTIONS:
        raise ValueError(f"{name}={action}: one of {', '.join(ACTIONS)}")
    if name in NEEDED or not (is_attribute or name in known):
        raise ValueError(f"{name}: fields are {', '.join(known)} and {ATTRIBUTES}.KEY")
    if action in ("hash", "cut") and not (is_attribute or name in texts):
        raise ValueError(f"{name}={action}: {name} is no text; it can be kept or dropped")
    if action == "cut" and name != ADDRESS and not is_attribute:
        raise ValueError(f"{name}=cut: only an address can be cut, as ip=cut; take hash or drop")
