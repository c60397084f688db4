"""By which names a server may be asked, and whether a page of another site does the asking."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain"})
OURS = ("same-origin", "none")


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    return host.lower() in LOOPBACK_NAMES or bool((found := _ip(host)) and found.is_loopback)


@dataclass(frozen=True)
class Hosts:
    """The names that a `Host` header may have.

    A foreign name that leads here would let the pages of its owner read what we answer. An address
    cannot be foreign: where a server listens at all of them, any is known.
    """

    names: frozenset[str]
    any_address: bool = False

    @classmethod
    def of(cls, listening: str, more: str = "") -> Hosts:
        """Returns the hosts of this machine, the address listened at, and `more` (by commas)."""
        named = {name.strip().lower() for name in more.split(",") if name.strip()}
        if is_loopback(listening):
            return cls(frozenset({*LOOPBACK_NAMES, *named}))
        own = {socket.gethostname().lower(), listening.strip("[]").lower()}
        is_any = bool((found := _ip(listening)) and found.is_unspecified)
        return cls(frozenset({*LOOPBACK_NAMES, *own, *named}), is_any)

    def name(self, header: str) -> str:
        """The name in a `Host` header as a URL has it, without a port; empty for a foreign one."""
        name = _without_port(header).lower()
        return (f"[{name}]" if ":" in name else name) if self.knows(header) else ""

    def knows(self, header: str) -> bool:
        """Whether a `Host` header, with or without a port, names this server."""
        name = _without_port(header).lower()
        address = _ip(name)
        if address is None or name in self.names:
            return name in self.names
        return address.is_loopback or self.any_address


def is_foreign(headers: Mapping[str, str]) -> bool:
    """Whether a page of another origin made the browser ask; programs say nothing of either."""
    if headers.get("sec-fetch-site", "none") not in OURS:
        return True
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")


def is_visit(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a person followed a link: the answer becomes a page of its own, which no other reads.

    Fetch metadata says so; see the resource isolation policy on https://web.dev/fetch-metadata.
    """
    return (
        method == "GET"
        and "origin" not in headers
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )


def _without_port(header: str) -> str:
    return header[1:].partition("]")[0] if header[:1] == "[" else header.partition(":")[0]


def _ip(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a text is. One with a zone (`fe80::1%...`) is none: any text may follow."""
    try:
        return None if "%" in host else ip_address(host.strip("[]"))
    except ValueError:
        return None
