"""Who is at the other end of a connection within this machine."""

from __future__ import annotations

import os
import socket

import pytest

from lakehouse.http import peer

pytestmark = pytest.mark.skipif(not peer.can_tell(), reason="only Linux tells")


@pytest.mark.parametrize(
    ("host", "for_others", "is_so"),
    [
        ("127.0.0.1", ("", ""), True),
        ("localhost", (), True),
        ("0.0.0.0", ("", ""), False),
        ("127.0.0.1", ("", "logs.example"), False),
        ("::1", ("a token of theirs", ""), False),
    ],
)
def test_the_user_who_runs_a_server_needs_no_token(
    host: str, for_others: tuple[str, ...], is_so: bool
) -> None:
    """As long as nobody else is meant to ask."""
    assert peer.needs_no_token(host, *for_others) is is_so


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_our_own_connection_is_ours(host: str) -> None:
    """By either kind of address."""
    try:
        listening = socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else 2)
    except OSError:
        pytest.skip(f"no {host} here")
    with listening, socket.create_connection(listening.getsockname()[:2]) as client:
        ends = client.getsockname()[:2], client.getpeername()[:2]
        assert peer.uid(*ends) == os.getuid()
        assert peer.is_ours(*ends)
        assert not peer.is_ours(ends[1], (host, 1))


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become somebody else")
def test_that_of_another_user_is_not() -> None:
    """It is known whose it is."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        os.seteuid(65534)
        try:
            client = socket.create_connection(listening.getsockname())
        finally:
            os.seteuid(0)
        with client:
            assert peer.uid(client.getsockname(), client.getpeername()) == 65534
            assert not peer.is_ours(client.getsockname(), client.getpeername())
