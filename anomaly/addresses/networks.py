"""Tells whether an address lies in one of many networks. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network

import msgspec


class Networks:
    """Networks of both families, as sorted ranges: thousands of them cost as much as one."""

    def __init__(self, texts: Iterable[str]) -> None:
        each = [ip_network(text) for text in texts]
        self._first: dict[int, list[int]] = {4: [], 6: []}
        self._last: dict[int, list[int]] = {4: [], 6: []}
        four = collapse_addresses(net for net in each if isinstance(net, IPv4Network))
        six = collapse_addresses(net for net in each if isinstance(net, IPv6Network))
        self._add(4, ((int(net[0]), int(net[-1])) for net in four))
        self._add(6, ((int(net[0]), int(net[-1])) for net in six))

    def _add(self, version: int, ranges: Iterable[tuple[int, int]]) -> None:
        for first, last in ranges:
            self._first[version].append(first)
            self._last[version].append(last)

    def __bool__(self) -> bool:
        return any(self._first.values())

    def __contains__(self, text: str) -> bool:
        if not self:
            return False
        try:
            ip = ip_address(text)
        except ValueError:
            return False
        place = bisect_right(self._first[ip.version], int(ip)) - 1
        return place >= 0 and int(ip) <= self._last[ip.version][place]


def ranges_of(text: str) -> tuple[str, ...]:
    """Returns the networks of a list: a line each, `#` begins a comment.

    Or the JSON in which search engines publish the ranges of their crawlers: `prefixes`, each with
    an `ipv4Prefix` or `ipv6Prefix`. Raises ValueError for what is no network.
    """
    if text.lstrip().startswith("{"):
        try:
            published = msgspec.json.decode(text, type=_Published)
        except msgspec.DecodeError as fault:
            raise ValueError(str(fault)) from None
        found = [net for one in published.prefixes for net in one.values()]
    else:
        found = [net for line in text.splitlines() if (net := line.split("#")[0].strip())]
    return tuple(str(ip_network(net)) for net in found)


class _Published(msgspec.Struct):
    prefixes: list[dict[str, str]]
