"""Which region an address belongs to."""

import random
from ipaddress import IPv4Address, IPv6Address

import polars as pl
import pytest
from support import views

from batch.jobs.watch_time import make_regions, regions
from batch.jobs.watch_time.make_regions import Range


def of(*addresses: str | None) -> list[str]:
    """The regions of addresses."""
    known = regions.read()
    return [known.names[code] for code in known.of(pl.Series(addresses, dtype=pl.String))]


@pytest.mark.parametrize(
    ("address", "region"),
    [
        ("8.8.8.8", "north-america"),
        ("1.1.1.1", "oceania"),
        ("200.160.2.3", "south-america"),
        ("2001:4860:4860::8888", "north-america"),
        ("::ffff:8.8.8.8", "north-america"),
        ("10.1.2.3", "private"),
        ("192.168.0.1", "private"),
        ("127.0.0.1", "private"),
        ("255.255.255.255", "private"),
        ("fd00::1", "private"),
        ("::1", "private"),
        ("::ffff:10.0.0.1", "private"),
        ("2001:db8::1", "private"),
        ("4000::1", "unknown"),
    ],
)
def test_an_address_has_a_region(address: str, region: str) -> None:
    """Public ones a continent; private, reserved and unknown ones a region of their own."""
    assert of(address) == [region]


@pytest.mark.parametrize(
    "address",
    [
        "",
        None,
        "nope",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "01.2.3.4",
        "+1.2.3.4",
        "1.2.3.4 ",
        "1.2.3.4\n",
        "fe80::1%eth0",
        "2001:::1",
        "1.2.3.4\x00",
        "\uff11.2.3.4",
        "0x7f.1.1.1",
    ],
)
def test_what_is_no_address_is_invalid(address: str | None) -> None:
    """Nothing is guessed of it."""
    assert of(address, "8.8.8.8") == ["invalid", "north-america"]


def test_many_addresses_are_looked_up_as_each_would_be() -> None:
    """All at once, IPv4 and IPv6 mixed: as the standard library and a search say one by one."""
    draw = random.Random(1)
    addresses = [str(IPv4Address(draw.getrandbits(32))) for _ in range(3000)]
    addresses += [str(IPv6Address(0x2 << 124 | draw.getrandbits(124))) for _ in range(3000)]
    draw.shuffle(addresses)

    assert of(*addresses) == [*map(views.region, addresses)]


def test_of_ranges_that_overlap_the_narrower_holds() -> None:
    """The wider one goes on behind it, and neighbours of one region are one step."""
    ranges = [Range(10, 20, "asia"), Range(20, 40, "asia"), Range(12, 15, "europe")]

    steps = make_regions.painted(ranges)

    assert steps == [(0, "unknown"), (10, "asia"), (12, "europe"), (15, "asia"), (40, "unknown")]
