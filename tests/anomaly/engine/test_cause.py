"""One trouble is told once: by the narrowest key that explains it, or by what opened first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from anomaly.engine.cause import linked
from anomaly.engine.config import Config
from anomaly.engine.engine import Engine, State
from anomaly.engine.incident import Incident
from anomaly.engine.minute import Key, Minute, Minutes, rolled_up
from lakehouse.tables.incidents import Share

pytestmark = pytest.mark.slow

SHOPS = [Key(f"s{n}", f"/{route}") for n in range(4) for route in "abc"]
LONG = 120
# Requests of an endpoint in the first minutes of an outage.
FADING = {0: 150}


def folded(
    trouble: dict[Key, tuple[int, int, str]], restarted_at: Collection[int] = ()
) -> list[Incident]:
    """All changes of two hours of four services; each trouble has its minutes and its kind."""
    engine, found = Engine(Config()), list[Incident]()
    for at in range(LONG):
        if at in restarted_at:
            kept = msgspec.msgpack.decode(msgspec.msgpack.encode(engine.dump()), type=State)
            engine = Engine.load(Config(), kept)
        each = [_minute(at, key, trouble.get(key)) for key in SHOPS]
        found += engine.fold(rolled_up(Minutes.of([one for one in each if one.requests])))
    return found


def _minute(at: int, key: Key, trouble: tuple[int, int, str] | None) -> Minute:
    requests = 200 + (at * 7 + len(key.endpoint) + int(key.service[1])) % 13
    one = Minute(at, key, requests, server_errors=int(at % 2 == 0))
    if trouble is None or not trouble[0] <= at < trouble[1]:
        return one
    if trouble[2] == "stop":
        return replace(one, requests=0)
    if trouble[2] == "fade":
        return replace(one, requests=FADING.get(at - trouble[0], 0))
    return replace(one, server_errors=requests // 2)


def told(changes: list[Incident]) -> dict[str, str]:
    """Returns what is told: key -> measure, of incidents that are no part of another."""
    return {one.key: one.measure for one in changes if not one.parent}


def test_an_endpoint_is_told_and_its_service_and_all_are_parts() -> None:
    """Whatever opens in the same minute is named by who makes it."""
    changes = folded({SHOPS[0]: (100, 110, "fail")})

    assert told(changes) == {"s0 /a": "server_errors"}
    assert {one.key for one in changes} >= {"s0", "s0 /a"}


def test_a_service_that_stops_is_told_and_its_endpoints_are_parts() -> None:
    """It, and not the endpoint that was found first, nor all traffic."""
    changes = folded(dict.fromkeys(SHOPS[:3], (100, 110, "stop")))

    assert told(changes) == {"s0": "traffic"}
    assert {one.key for one in changes} >= {"s0 /a", "s0 /b", "s0 /c"}


FIRST_OF_THREE = {SHOPS[0]: (99, 110, "fade"), SHOPS[1]: (100, 110, "fade")}
OUTAGE = {**FIRST_OF_THREE, SHOPS[2]: (100, 110, "fade")}


def test_an_endpoint_that_is_found_first_waits_for_its_service() -> None:
    """A minute, while its service goes the same way by other endpoints too; then that is told."""
    changes = folded(OUTAGE)

    assert told(changes) == {"s0": "traffic"}
    assert {one.key for one in changes} >= {"s0", "s0 /a"}


def test_a_restart_while_it_waits_changes_nothing() -> None:
    """Who waits is known to the state."""
    assert folded(OUTAGE, range(95, 110)) == folded(OUTAGE)


@pytest.mark.parametrize("kind", ["stop", "fail"])
def test_an_endpoint_alone_waits_for_nobody(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """It makes all of what its service has: it is told as soon as it was without waiting."""
    changes = folded({SHOPS[0]: (100, 110, kind)})
    monkeypatch.setattr(Engine, "_waits", lambda *_any: False)

    assert changes == folded({SHOPS[0]: (100, 110, kind)}) != []


def test_two_troubles_at_once_are_two() -> None:
    """In two services, from the same minute on: neither is hidden by all traffic."""
    changes = folded({SHOPS[0]: (100, 110, "fail"), SHOPS[4]: (100, 110, "fail")})

    assert told(changes) == {"s0 /a": "server_errors", "s1 /b": "server_errors"}


def test_what_opens_later_elsewhere_in_the_service_is_its_own() -> None:
    """The service is open for another endpoint: that does not explain this one."""
    changes = folded({SHOPS[0]: (90, 112, "fail"), SHOPS[1]: (100, 112, "fail")})

    assert told(changes) == {"s0 /a": "server_errors", "s0 /b": "server_errors"}


def incident(name: str, minute: int, ip: str = "", made_by: str = "") -> Incident:
    """An incident of an address, or of an endpoint that an address made most of."""
    (one, *_) = (one for one in folded({SHOPS[0]: (100, 105, "fail")}) if one.key == "s0 /a")
    shares = [Share("address", made_by, 0.8)] if made_by else []
    opened = one.opened + timedelta(minutes=minute)
    return msgspec.structs.replace(
        one, incident_id=name, opened=opened, ip=ip, contributors=shares, parent=""
    )


def test_an_address_is_told_before_what_it_did() -> None:
    """In the same minute, or where it was found first; else it is a part of what was told."""
    scan, burst = incident("scan", 0, ip="192.0.2.1"), incident("burst", 0, made_by="192.0.2.1")

    assert linked([burst, scan]) == {"burst": "scan"}
    assert linked([burst, incident("scan", 1, ip="192.0.2.1")]) == {"scan": "burst"}
    assert linked([burst, incident("scan", 3, ip="192.0.2.1")]) == {}
    assert linked([burst, incident("scan", -5, ip="192.0.2.1")]) == {"burst": "scan"}
    assert linked([burst, incident("scan", -6, ip="192.0.2.1")]) == {}
    assert linked([burst, incident("other", 0, ip="192.0.2.9")]) == {}


def test_a_pattern_is_a_part_of_what_its_service_has() -> None:
    """Of what opened near it; otherwise of an earlier pattern, or it is told itself."""
    burst = incident("burst", 0)
    new, other = (_pattern(name, minute) for name, minute in (("new", 1), ("other", 2)))
    later = _pattern("later", 8)

    assert linked([other, new, burst]) == {"new": "burst", "other": "burst"}
    assert linked([other, new, later]) == {"other": "new"}
    assert linked([_pattern("new", -1), burst]) == {}


def _pattern(name: str, minute: int) -> Incident:
    return msgspec.structs.replace(incident(name, minute), measure="pattern", endpoint="")


def test_links_do_not_depend_on_the_order() -> None:
    """Incidents are written in the order in which they are found."""
    each = [incident("a", 0, ip="192.0.2.1"), incident("b", 0, made_by="192.0.2.1")]
    each += [incident("c", 1, made_by="192.0.2.1")]

    assert linked(each) == linked(each[::-1]) == {"b": "a", "c": "a"}
