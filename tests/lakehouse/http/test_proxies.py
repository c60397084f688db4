"""Whom a server believes of what it cannot see itself: who asks, and whether by TLS."""

from __future__ import annotations

from typing import Any

import pytest
from support.serving import connected, request, serving, status

from lakehouse.settings import Http


@pytest.mark.parametrize(
    ("proxies", "seen"),
    [
        ("127.0.0.1", ("https", "203.0.113.9")),
        ("10.0.0.0/8", ("http", "127.0.0.1")),
        ("", ("http", "127.0.0.1")),
    ],
)
def test_only_a_proxy_speaks_for_others(proxies: str, seen: tuple[str, str]) -> None:
    """What anybody else says of its scheme and address is passed over."""
    found: list[tuple[str, str]] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            found.append((scope["scheme"], scope["client"][0]))
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body"})

    said = request("/", "X-Forwarded-Proto: https", "X-Forwarded-For: 198.51.100.7, 203.0.113.9")
    with serving(app, Http(), proxies=proxies) as at:
        assert status(connected(at, said)) == 204
    assert found == [seen]
