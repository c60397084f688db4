"""Minutes of endpoints add up to those of services and of everything."""

from __future__ import annotations

from support.watched import START

from anomaly.engine.minute import Key, Minute, Minutes, rolled_up

CART = Minute(START, Key("shop", "/cart"), 10, 2, 1, {100: 7, 120: 3})
ITEMS = Minute(START, Key("shop", "/items"), 5, 0, 0, {100: 5})
LOGIN = Minute(START, Key("auth", "/login"), 4, 4, 0, {})


def test_services_and_everything_are_sums() -> None:
    """Requests, errors and histograms."""
    rolled = rolled_up(Minutes.of([CART, ITEMS, LOGIN]))
    requests = dict(zip(map(str, rolled.keys), rolled.requests.tolist(), strict=True))
    totals = dict(zip(map(str, rolled.keys), rolled.latency.totals().tolist(), strict=True))

    assert (requests["all traffic"], requests["shop"], requests["auth"]) == (19, 15, 4)
    assert (totals["all traffic"], totals["shop"], totals["auth"]) == (15, 15, 0)
    assert rolled.client_errors.sum() == 3 * 6


def test_scopes_follow_from_the_key() -> None:
    """What is named says how wide it is."""
    keys = [Key(), Key("shop"), Key("shop", "/cart"), Key(ip="203.0.113.9")]

    assert [key.scope for key in keys] == ["global", "service", "endpoint", "address"]
    assert [len(key.parents) for key in keys] == [0, 1, 2, 0]


def test_lines_without_an_endpoint_count_once() -> None:
    """For their service and for everything, beside the endpoints of the service."""
    rolled = rolled_up(Minutes.of([CART, Minute(START, Key("shop"), 7, 0, 3, {90: 2})]))
    requests = dict(zip(map(str, rolled.keys), rolled.requests.tolist(), strict=True))

    assert requests == {"all traffic": 17, "shop": 17, "shop /cart": 10}
    assert rolled.latency.totals().tolist() == [12, 12, 10]
