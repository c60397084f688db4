"""A value is found where it is a word of its own, in whichever spelling."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from unicodedata import normalize
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.duck import connect
from lakehouse.erasure.request import Request
from lakehouse.errors import SettingsError

WORDS = st.text("ab1 .-@:/é'\\\"%_", max_size=12)
NAMES = st.text("ab1.-@é'%_ ", min_size=2, max_size=6).filter(lambda name: len(name.strip()) > 1)


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("ann", True),
        ("login of ann failed", True),
        ("it was ann.", True),
        ("user=ann&a=b", True),
        ('{"user":"ann"}', True),
        ("anna", False),
        ("ann@example.org", False),
        ("mary-ann", False),
        ("joann", False),
        ("from 192.0.2.7:443", True),
        ("192.0.2.7.", True),
        ("192.0.2.71", False),
        ("1.192.0.2.7", False),
        ("192.0.2.7.1", False),
    ],
)
def test_a_word_of_its_own_is_found(text: str, is_found: bool) -> None:
    """Not a part of a longer name or of another address; in text and in bytes alike."""
    mentions = Request(users=("ann",), addresses=("192.0.2.7",)).mentions
    assert mentions.in_text(text) == mentions.in_bytes(text.encode()) == is_found


@pytest.mark.parametrize("written", [json.dumps("ann é@x"), quote("ann é@x", safe=""), "ann é@x"])
def test_other_spellings_are_found(written: str) -> None:
    """As JSON and addresses of pages write it."""
    assert Request(users=("ann é@x",)).mentions.in_text(f"a={written}&b")


@given(NAMES, WORDS, WORDS)
def test_engines_agree(name: str, before: str, after: str) -> None:
    """DuckDB finds in rows what Python finds in files."""
    mentions, text = Request(users=(name,)).mentions, f"{before}{name}{after}"
    with connect() as connection:
        ((found,),) = connection.execute(
            f"SELECT {mentions.sql('t')} FROM (SELECT $t AS t)", {"t": text}
        ).fetchall()
    assert found == mentions.in_text(text)
    assert not mentions.in_text(mentions.scrubbed(text))


ADDRESSES = st.one_of(
    st.ip_addresses(),
    st.lists(st.sampled_from([0, 0, 0, 7, 0xDB8, 0xFFFF]), min_size=8, max_size=8).map(
        lambda groups: ip_address(":".join(f"{one:x}" for one in groups))
    ),
)


def _written(address: IPv4Address | IPv6Address, draw: st.DataObject) -> str:
    """An address in one of its spellings."""
    if isinstance(address, IPv4Address):
        address = IPv6Address(f"::ffff:{address}") if draw.draw(st.booleans()) else address
    long = [str(address), address.exploded]
    if isinstance(address, IPv6Address):
        groups = address.exploded.split(":")
        long += [":".join(one.lstrip("0") or "0" for one in groups)]
        long += [":".join([*groups[:6], str(IPv4Address(int(address) & 0xFFFFFFFF))])]
        long += [one.replace(":0:0:", "::", 1) for one in long if "::" not in one]
    text = draw.draw(st.sampled_from(long))
    text = text.upper() if draw.draw(st.booleans()) else text
    return text.replace(":", "%3A") if draw.draw(st.booleans()) else text


@given(ADDRESSES, st.sampled_from(["", "[", "ip:", "ip=", '"', "a, "]), st.data())
def test_an_address_is_found_in_each_of_its_spellings(
    address: IPv4Address | IPv6Address, before: str, draw: st.DataObject
) -> None:
    """By value: in the column, in texts and in large and small bytes."""
    request, written = Request(addresses=(str(address),)), _written(address, draw)
    text = f"{before}{written}]:443 x"
    assert request.mentions.in_text(text)
    assert request.mentions.in_bytes(text.encode())
    assert request.mentions.in_bytes(text.encode() + b" \xff" * (1 << 14))
    assert not request.mentions.in_text(request.mentions.scrubbed(text))


@given(ADDRESSES, ADDRESSES)
def test_other_addresses_are_not_found(
    address: IPv4Address | IPv6Address, other: IPv4Address | IPv6Address
) -> None:
    """Addresses are alike where their values are."""
    values = [getattr(one, "ipv4_mapped", None) or one for one in (address, other)]
    found = Request(addresses=(str(address),)).mentions.in_text(f"of {other}, x")
    assert found == (values[0] == values[1])


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("2001:DB8:0:0:0:0:0:7", True),
        ("[2001:0db8::0007]:443", True),
        ("ip:2001:db8::7", True),
        ("?ip=2001%3Adb8%3A%3A7&a", True),
        ("2001:db8::0.0.0.7", True),
        ("2001:db8::7%eth0", True),
        ("2001:db8::71", False),
        ("2001:db8::7:1", False),
        ("1:2001:db8::7", False),
        ("2001:db8:0:7::", False),
    ],
)
def test_spellings_of_ipv6(text: str, is_found: bool) -> None:
    """DuckDB finds in rows what Python finds."""
    mentions = Request(addresses=("2001:db8::7",)).mentions
    assert mentions.in_text(text) == mentions.in_bytes(text.encode()) == is_found
    with connect() as connection:
        sql = f"SELECT {mentions.sql('t')} FROM (SELECT $t AS t)"
        assert connection.execute(sql, {"t": text}).fetchall() == [(is_found,)]


@given(st.sampled_from([(4, 16), (6, 32)]), st.data())
def test_a_network_is_each_of_its_addresses(kind: tuple[int, int], draw: st.DataObject) -> None:
    """And no other."""
    version, widest = kind
    addresses = st.ip_addresses(v=version)
    bits = 32 if version == 4 else 128
    of, other = draw.draw(addresses), draw.draw(addresses)
    network = ip_network(f"{of}/{draw.draw(st.integers(widest, bits))}", strict=False)
    mentions = Request(addresses=(str(network),)).mentions
    for address in (of, other, network.network_address, network.broadcast_address):
        assert mentions.in_text(f"of {address}, x") == (address in network)


@pytest.mark.parametrize("before", ["\\n", "\\t", "\\u000a", "\\\\\\n", "%3D", "%20"])
def test_what_json_and_addresses_write_before_it_is_no_part_of_it(before: str) -> None:
    """A word begins behind an escaped sign."""
    mentions = Request(users=("ann",), addresses=("192.0.2.7",)).mentions
    for text in (f'"x{before}ann"', f'"x{before}192.0.2.7"'):
        assert mentions.in_text(text)
        assert mentions.in_bytes(text.encode())


def test_a_name_is_found_with_accents_of_both_kinds() -> None:
    """As one sign and as two, given in either way, in whichever case of escapes."""
    composed, apart = (normalize(form, "jos\u00e9") for form in ("NFC", "NFD"))
    texts = [composed, apart, "jos\\u00E9", "jos%c3%a9", quote(apart)]
    for name in (composed, apart):
        assert all(map(Request(users=(name,)).mentions.in_text, texts))


@pytest.mark.parametrize(
    ("wrong", "way"),
    [
        ({"where": "service:shop ip:192.0.2.0/24"}, "--ip 192.0.2.0/24"),
        ({"addresses": ("192.0.2.7/24",)}, "192.0.2.0/24"),
        ({"addresses": ("10.0.0.0/8",)}, "/16"),
    ],
)
def test_a_network_that_is_not_taken_leads_on(wrong: dict[str, Any], way: str) -> None:
    """The refusal says what works."""
    with pytest.raises(SettingsError) as refused:
        Request(**wrong)
    assert way in str(refused.value)


@pytest.mark.parametrize(
    "wrong",
    [{}, {"users": ("",)}, {"users": ("x",)}, {"addresses": ("10.0.0",)}, {"where": "statux:5"}],
)
def test_a_request_that_means_nothing_is_refused(wrong: dict[str, object]) -> None:
    """In words, before anything is looked at."""
    with pytest.raises(SettingsError):
        Request(**wrong).query  # type: ignore[arg-type]  # noqa: B018
