"""Addresses that hammer, scan and guess are found; the others are let alone; state is bounded."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from anomaly.addresses.fold import SCANNING, Addresses, State
from anomaly.addresses.minute import AddressMinute, AddressMinutes, mark
from anomaly.addresses.probe import counted_as, is_attack, is_hostile
from anomaly.addresses.rules import RULES
from anomaly.engine.config import Addresses as Limits
from anomaly.engine.config import Config
from anomaly.engine.incident import Incident
from lakehouse.event.routes import template

BAD = "203.0.113.9"
START = 29_000_000


def crowd(at: int, of: int = 30) -> list[AddressMinute]:
    """Ordinary addresses."""
    return [AddressMinute(START + at, f"10.0.0.{i}", 6, dynamic=4) for i in range(of)]


def hammer(at: int) -> AddressMinute:
    """Hundreds of requests."""
    return AddressMinute(START + at, BAD, 400, dynamic=300)


def scan(at: int) -> AddressMinute:
    """Paths that do not exist."""
    paths = tuple(mark(f"/admin{at}-{i}") for i in range(6))
    return AddressMinute(START + at, BAD, 8, 8, failed=6, failing=paths, alone=paths)


def guess(at: int) -> AddressMinute:
    """Logins refused."""
    return AddressMinute(START + at, BAD, 4, 4, refused=4, failed=4, failing=(mark("/l"),))


ATTACKS = {"hammering": hammer, "scanning": scan, "brute_force": guess}


def told(
    minutes: Iterable[tuple[int, list[AddressMinute]]], one: Addresses | None = None
) -> list[Incident]:
    """Every change that a fold hands out."""
    one = one or Addresses(Config())
    closed = (AddressMinutes.of(START + at, each) for at, each in minutes)
    return [change for minute in closed for change in one.fold(minute)]


def attacked(attack: Callable[[int], AddressMinute], minutes: int = 72) -> list[Incident]:
    """A crowd, and one that attacks after an hour."""
    return told((at, [*crowd(at), *([attack(at)] if at >= 65 else [])]) for at in range(minutes))


@pytest.mark.parametrize("name", [*RULES, SCANNING])
def test_every_rule_finds_its_attack(name: str) -> None:
    """One incident, of that address, by that rule, a warning: one weak rule is not critical."""
    (one,) = attacked(ATTACKS[name])

    assert (one.ip, one.scope, one.direction, one.severity) == (BAD, "address", name, "warning")
    assert one.sentence.startswith(f"{BAD}: {name.replace('_', ' ')}: ")


def test_a_crowd_is_let_alone() -> None:
    """Nothing, for two hours."""
    assert told((at, crowd(at)) for at in range(120)) == []


def test_an_address_that_is_always_busy_is_let_alone() -> None:
    """A proxy of many people, day and night."""
    assert told((at, [*crowd(at), hammer(at)]) for at in range(120)) == []


def test_a_login_after_many_refused_is_critical() -> None:
    """The guess was right."""

    def cracked(at: int) -> AddressMinute:
        return msgspec.structs.replace(guess(at), accepted=int(at == 69))

    last = attacked(cracked)[-1]

    assert (last.severity, "then one was accepted" in last.sentence) == ("critical", True)


def test_two_weak_rules_at_once_are_critical() -> None:
    """An address that scans and hammers."""

    def both(at: int) -> AddressMinute:
        return msgspec.structs.replace(scan(at), dynamic=300, requests=300, failed=200)

    assert attacked(both)[-1].severity == "critical"


def test_what_an_address_does_beside_its_incident_is_a_part_of_it() -> None:
    """It is posted once, and as severe as the worst of it."""

    def more(at: int) -> AddressMinute:
        return msgspec.structs.replace(scan(at), dynamic=300 if at >= 70 else 8)

    last = {one.direction: one for one in attacked(more, 74)}
    assert {name: one.parent for name, one in last.items()} == {
        SCANNING: "",
        "hammering": last[SCANNING].incident_id,
    }
    assert last[SCANNING].severity == last["hammering"].severity == "critical"


def test_one_login_tried_from_many_addresses_is_sprayed() -> None:
    """Each address tries once."""

    def tries(at: int) -> list[AddressMinute]:
        return [
            AddressMinute(START + at, f"198.51.100.{at * 5 + i}", 1, 1, refused=1, users=("root",))
            for i in range(5)
        ]

    (one,) = told((at, [*crowd(at), *(tries(at) if at >= 12 else [])]) for at in range(18))

    assert (one.direction, one.key) == ("spraying", "login root")


@pytest.mark.slow
def test_a_surge_of_new_addresses_is_found() -> None:
    """After a day of knowing who comes."""

    def came(at: int) -> list[AddressMinute]:
        many = 200 if at >= 1500 else 2
        return [AddressMinute(START + at, f"{at}.{i}", 1, 1) for i in range(many)]

    first = told((at, came(at)) for at in range(1510))[0]

    assert (first.direction, first.scope) == ("new_addresses", "global")


def test_addresses_to_ignore_are_let_alone() -> None:
    """By network, and so are trusted proxies."""
    for name in ("ignore", "trusted_proxies"):
        config = Config(addresses=Limits(**{name: ("203.0.113.0/24",)}))
        minutes = ((at, [*crowd(at), *([hammer(at)] if at > 65 else [])]) for at in range(70))
        assert told(minutes, Addresses(config)) == []


def test_state_is_bounded_and_what_is_dropped_is_counted() -> None:
    """The lightest go."""
    one = Addresses(Config(addresses=Limits(most=5)))
    each = [AddressMinute(START, f"10.0.0.{i}", 1, 1, refused=i + 1) for i in range(9)]
    told([(0, each)], one)

    assert (sorted(one.minutes)[0], len(one.minutes), one.dropped) == ("10.0.0.4", 5, 4)


def test_idle_addresses_are_forgotten() -> None:
    """Once no rule looks back so far."""
    one = Addresses(Config())
    told([(0, [scan(0)]), (30, crowd(30))], one)

    assert one.minutes == {}


@pytest.mark.parametrize("stop", [2, 15, 18, 30])
def test_a_restart_changes_nothing(stop: int) -> None:
    """Dump, through bytes, load: the rest is the same."""
    minutes = [
        (
            at,
            [
                *crowd(at),
                *(
                    [
                        scan(at),
                    ]
                    if 3 <= at < 9
                    else []
                ),
            ],
        )
        for at in range(40)
    ]
    first = Addresses(Config())
    before = told(minutes[:stop], first)
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(first.dump()), type=State)

    assert before + told(minutes[stop:], Addresses.load(Config(), kept)) == told(minutes)


STATIC = (".png", ".css", ".js", ".jpg", ".ico", ".gif")


def from_requests(
    requests: Iterable[tuple[int, str, str, int]],
) -> Iterator[tuple[int, list[AddressMinute]]]:
    """Address-minutes of (minute, address, path, status)."""
    held: dict[int, dict[str, list[tuple[str, int]]]] = {}
    for at, ip, path, status in requests:
        held.setdefault(at, {}).setdefault(ip, []).append((path, status))
    for at in sorted(held):
        yield at - START, [*_minutes(at, held[at])]


def _minutes(at: int, held: dict[str, list[tuple[str, int]]]) -> Iterator[AddressMinute]:
    asked = Counter(name for did in held.values() for name in {_name(path) for path, _ in did})
    fails = Counter(name for did in held.values() for name in _failing(did))
    for ip, did in held.items():
        names = {_name(path) for path, _ in did if _is_dynamic(path)}
        yield AddressMinute(
            at,
            ip,
            len(did),
            sum(_is_dynamic(path) for path, _ in did),
            sum(status >= 400 and _is_dynamic(path) for path, status in did),
            hostile=sum(is_hostile(path) for path, _ in did),
            failing=tuple(sorted(name for name in _failing(did) if fails[name] == 1)),
            strange=tuple(sorted({_name(path) for path, _ in did if is_hostile(path)})),
            alone=tuple(sorted(name for name in names if asked[name] == 1)),
        )


def _failing(did: list[tuple[str, int]]) -> set[int]:
    return {_name(path) for path, status in did if status >= 400 and _is_dynamic(path)}


def _name(path: str) -> int:
    return mark(counted_as(path))


def _is_dynamic(path: str) -> bool:
    return not template(path).endswith(STATIC)


@pytest.mark.parametrize("status", [404, 200])
@pytest.mark.parametrize("form", ["/search?q={}", "/{}"])
def test_attack_strings_raise_an_address(shared_data: Path, form: str, status: int) -> None:
    """A scanner goes through a list, thirty a minute, however it is answered."""
    file = shared_data / "hostile/http_params_payload_full.csv.gz"
    with gzip.open(file, "rt") as lines:
        strings = [r["payload"] for r in csv.DictReader(lines) if r["attack_type"] != "norm"]
    sent = (
        (START + i // 30, BAD, form.format(quote(text)), status)
        for i, text in enumerate(strings[:600:2])
    )

    assert {one.ip for one in told(from_requests(sent))} == {BAD}


def test_ordinary_parameters_are_no_attack(shared_data: Path) -> None:
    """Names, numbers and addresses of people: less than one in 1,000."""
    with gzip.open(shared_data / "hostile/http_params_payload_full.csv.gz", "rt") as lines:
        strings = [r["payload"] for r in csv.DictReader(lines) if r["attack_type"] == "norm"]

    assert sum(is_attack(f"/search?q={quote(text)}") for text in strings) < len(strings) / 1000
