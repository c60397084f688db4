"""By which names a server goes, and which pages of others a browser asks for."""

from __future__ import annotations

import pytest

from lakehouse.http.hosts import Hosts, is_foreign, is_visit


@pytest.mark.parametrize(
    ("listening", "more", "header", "known"),
    [
        ("127.0.0.1", "", "localhost", True),
        ("127.0.0.1", "", "LOCALHOST:8000", True),
        ("127.0.0.1", "", "127.0.0.1:8000", True),
        ("127.0.0.1", "", "[::1]:8000", True),
        ("127.0.0.1", "", "192.0.2.1", False),
        ("127.0.0.1", "", "", False),
        ("127.0.0.1", "", "localhost.evil.example", False),
        ("127.0.0.1", "a.example, B.example", "b.example:80", True),
        ("0.0.0.0", "", "192.0.2.1:8000", True),
        ("0.0.0.0", "", "evil.example", False),
        ("::", "", "[2001:db8::1]:8000", True),
        ("::", "", '[fe80::1%" -x evil]:8000', False),
        ("192.0.2.1", "", "192.0.2.1:8000", True),
        ("192.0.2.1", "", "192.0.2.2:8000", False),
        ("logs.example", "", "logs.example", True),
    ],
)
def test_a_server_goes_by_a_list_of_names(
    listening: str, more: str, header: str, known: bool
) -> None:
    """Its address, this machine's names, those that settings list; any address where it has all."""
    assert Hosts.of(listening, more).knows(header) is known


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("Logs.example:8000", "logs.example"),
        ("192.0.2.1:8000", "192.0.2.1"),
        ("[2001:DB8::1]:8000", "[2001:db8::1]"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("evil.example:8000", ""),
        ('[fe80::1%" -x evil]', ""),
    ],
)
def test_a_name_may_stand_in_a_url(header: str, name: str) -> None:
    """Without its port, and only one that the server goes by."""
    assert Hosts.of("::", "logs.example").name(header) == name


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-origin", "origin": "http://here:8000"}, False),
        ({"sec-fetch-site": "same-site"}, True),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"origin": "http://here"}, True),
        ({"origin": "null"}, True),
        ({"origin": ""}, True),
        ({"sec-fetch-site": "same-origin", "origin": "http://there:8000"}, True),
    ],
)
def test_a_browser_says_whose_page_asks(headers: dict[str, str], foreign: bool) -> None:
    """Either header is enough to refuse; programs send none."""
    assert is_foreign({"host": "here:8000", **headers}) is foreign


def test_a_visit_is_a_page_of_its_own() -> None:
    """And no part of another, nor sent by a form."""
    visit = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert is_visit("GET", visit)
    assert not is_visit("POST", visit)
    assert not is_visit("GET", {**visit, "sec-fetch-dest": "iframe"})
    assert not is_visit("GET", {})
