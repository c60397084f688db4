"""Addresses that are never judged: to be ignored, or proxies that stand in for many. Pure."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from anomaly.engine.config import Addresses as Its


class Spared:
    """Whether an address lies in a network of the lists."""

    def __init__(self, its: Its) -> None:
        self._networks = [ip_network(net) for net in (*its.ignore, *its.trusted_proxies)]

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, text: str) -> bool:
        if not self._networks:
            return False
        try:
            ip = ip_address(text)
        except ValueError:
            return False
        return any(ip in net for net in self._networks)
