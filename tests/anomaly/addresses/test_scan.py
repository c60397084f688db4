"""Evidence adds up: what is odd next to the others counts, and what all do does not."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from anomaly.addresses.fold import SPREAD, Addresses
from anomaly.addresses.minute import AddressMinute, AddressMinutes, mark
from anomaly.addresses.networks import Networks
from anomaly.addresses.probe import counted_as, is_hostile
from anomaly.engine.config import Addresses as Limits
from anomaly.engine.config import Config
from anomaly.engine.incident import Incident

BAD = "203.0.113.9"
START = 29_000_000


def failing(at: int, ip: str, count: int, crawls: int = 0, of: int = 0) -> AddressMinute:
    """An address that asks for so many missing paths, of so many requests."""
    paths = tuple(mark(f"{ip} {at} {n}") for n in range(count))
    of = max(of, count)
    return AddressMinute(
        START + at, ip, of, of, failed=count, failing=paths, alone=paths, crawls=crawls
    )


def people(at: int, failed: int = 0) -> list[AddressMinute]:
    """Ordinary addresses."""
    return [AddressMinute(START + at, f"10.0.0.{n}", 5, 5, failed=failed) for n in range(20)]


def told(
    minutes: Iterable[list[AddressMinute]], config: Config | None = None
) -> tuple[list[Incident], Addresses]:
    """Every change, and the fold."""
    fold = Addresses(config or Config())
    changes = [c for each in minutes for c in fold.fold(AddressMinutes.of(each[0].at, each))]
    return changes, fold


def test_ten_failing_paths_are_a_scan_from_the_first_minute_on() -> None:
    """As CrowdSec has it, in a lake without a history, and with nobody else."""
    changes, _ = told([failing(0, BAD, 10)] for _ in range(1))

    assert [(one.ip, one.direction) for one in changes] == [(BAD, "scanning")]


def test_an_outage_makes_nobody_a_scanner() -> None:
    """Half of what everybody asks for fails, also for who is busy."""
    busy = [[*people(at, failed=3), failing(at, BAD, 12, of=24)] for at in range(5)]

    assert told(busy)[0] == []


def test_a_crawler_may_follow_broken_links() -> None:
    """Which is a scan from anybody who does not say that it crawls."""
    for crawls, found in ((12, []), (0, [BAD])):
        changes, _ = told([[*people(0), failing(0, BAD, 12, crawls)]])
        assert [one.ip for one in changes] == found


def test_many_addresses_may_scan_together() -> None:
    """One hostile path each: none of them is a scanner, all of them are."""
    paths = [mark(f"/.env{n}") for n in range(30)]
    each = [AddressMinute(START, f"203.0.{n}.1", 1, 1, strange=(paths[n],)) for n in range(30)]

    (one,) = told([[*people(0), *each]])[0]
    assert (one.direction, one.ip) == (SPREAD, "")


def test_suspects_are_bounded_and_what_is_dropped_is_counted() -> None:
    """The least suspicious go, however many addresses fail."""
    config = Config(addresses=Limits(most=10))
    each = [failing(0, f"10.{n // 250}.{n % 250}.1", 1 + n % 3) for n in range(1000)]
    _, fold = told([each], config)

    kept = fold.dump().scans.suspects
    assert len(kept) == 10
    assert min(one.failing for one in kept.values()) == 3
    assert fold.dropped >= 990


def test_suspects_are_forgotten() -> None:
    """An hour after they were last seen."""
    _, fold = told([[*people(0), failing(0, BAD, 3)], people(70)])

    assert fold.dump().scans.suspects == {}


def test_what_no_visitor_asks_for_is_hostile() -> None:
    """Files that nobody is meant to see; the same path with another query is no other try."""
    hostile = (
        "/.git/config",
        "/a/.env?x",
        "/backup.zip",
        "/dump.sql.gz",
        "/cgi-bin/luci",
        "/x.bak",
    )
    usual = (
        "/",
        "/login",
        "/.well-known/acme-challenge/x",
        "/environment",
        "/wp-login.php",
        "/db",
        "/config",
        "/keynote",
        "/docs/sql",
        "/a.key.html",
        "/robots.txt",
    )

    assert [*map(is_hostile, hostile)] == [True] * len(hostile)
    assert [path for path in usual if is_hostile(path)] == []
    assert counted_as("/.env?1") == counted_as("/.env?2") == "/.env"


NETWORKS = st.one_of(
    st.builds(
        lambda n, w: ip_network((n, w), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32)
    ),
    st.builds(
        lambda n, w: ip_network((n, w), strict=False),
        st.integers(0, 2**128 - 1),
        st.integers(0, 128),
    ),
)


@given(st.lists(NETWORKS, max_size=8), st.ip_addresses())
def test_networks_are_those_of_the_standard_library(networks: list, ip: object) -> None:
    """For any networks and address, those at their edges included."""
    edges = [end for net in networks for end in (net[0], net[-1])]
    known = Networks(map(str, networks))

    for one in (ip, *edges):
        inside = any(ip_address(str(one)) in net for net in networks)
        assert (str(one) in known) == inside
