"""Synthetic traffic is always the same for a seed and a clock, and looks like a real shop's."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from statistics import median

import pytest
from support.flow import RATE, START, events, records
from support.records import LIMITS, raw

from lakehouse.decode import decode
from producer.traffic.curve import MICROS
from producer.traffic.faults import Shares
from producer.traffic.pace import Pace
from producer.traffic.traffic import Traffic

SHARES = Shares(0.02, 0.02, 0.04)


def test_same_seed_and_clock_give_the_same_bytes() -> None:
    """Two generators with one seed and one clock agree on every byte."""
    assert records(shares=SHARES) == records(shares=SHARES)


@pytest.mark.parametrize("other", ["seed", "clock"])
def test_another_seed_or_clock_gives_other_ids(other: str) -> None:
    """No event_id comes back in a run with another seed, or at another time."""
    start = START + (other == "clock")
    traffic = Traffic(8 if other == "seed" else 7, start, RATE)
    again = {value[:40] for _, value in traffic.tick(START, START + MICROS, 400) if value}

    assert again.isdisjoint({(value or b"")[:40] for _, value in records()})


def test_every_event_decodes() -> None:
    """Without faults, nothing that is generated is rejected."""
    values = [value for _, value in records()]
    taken = datetime.fromtimestamp(START / MICROS + 10, UTC)

    assert decode(raw(values, taken), LIMITS).events.num_rows == len(values)


def test_events_are_unique_and_in_order_within_the_time_asked_for() -> None:
    """Event ids differ, times rise, and none leaves its stretch of time."""
    made = events(10)
    times = [event["at"] for event in made]

    assert len({event["event_id"] for event in made}) == len(made)
    assert len(made) == pytest.approx(10 * RATE, rel=0.01)
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] < 10


def test_key_is_the_address() -> None:
    """The records of one address share a key, also those that are malformed."""
    keyed = records(shares=SHARES)

    assert all(key.count(b".") == 3 for key, _ in keyed)
    assert [key.decode() for key, _ in records()] == [event["ip"] for event in events()]


def test_addresses_come_back_as_sessions() -> None:
    """An address keeps its agent, user and application from request to request."""
    known = defaultdict(set)
    for event in events(60):
        known[event["ip"]].add((event["user_agent"], event.get("user"), event.get("app")))

    assert len(known) < 60 * RATE / 5
    assert all(len(identities) == 1 for identities in known.values())


def test_few_endpoints_get_most_requests() -> None:
    """The five busiest of about thirty routes get a good part of the traffic, as by Zipf."""
    hits = Counter((event["service"], event["endpoint"]) for event in events(60))

    assert len({service for service, _ in hits}) == 6
    assert len(hits) >= 24
    assert 0.35 < sum(count for _, count in hits.most_common(5)) / hits.total() < 0.75


def test_some_requests_fail_and_the_level_says_so() -> None:
    """A base rate of 4xx and 5xx; WARN and ERROR are exactly those."""
    made = events(60)
    classes = Counter(event["status_code"] // 100 for event in made)
    levels = {(event["status_code"] // 100, event["level"]) for event in made}

    assert 0.005 < classes[4] / len(made) < 0.05
    assert 0.0005 < classes[5] / len(made) < 0.01
    assert levels == {(2, "INFO"), (3, "INFO"), (4, "WARN"), (5, "ERROR")}


def test_latency_belongs_to_the_endpoint() -> None:
    """A static file is answered much faster than a payment."""
    times = defaultdict(list)
    for event in events(60):
        times[event["endpoint"]].append(event["response_time"])

    assert 10 * median(times["/static/{word}.js"]) < median(times["/api/payments"])


def test_paths_fill_the_template() -> None:
    """No placeholder is left in a path, and ids differ."""
    paths = {event["path"] for event in events() if event["endpoint"] == "/products/{id}"}

    assert len(paths) > 20
    assert not any("{" in path for path in paths)


def test_bots_and_tools_are_among_the_agents() -> None:
    """Crawlers and tools come along with people."""
    agents = " ".join({event["user_agent"] for event in events(60)})

    assert all(name in agents for name in ("Googlebot", "curl/", "python-requests", "Chrome/"))


def test_backfill_goes_on_until_it_meets_the_clock() -> None:
    """Earlier event time has no hole before live traffic, though sending it takes a while."""
    readings = iter([START + 3600 * MICROS, START + 3630 * MICROS, START + 3630 * MICROS])
    pace = Pace(Traffic(7, START, 2), 2, START, START)
    made = sum(1 for _ in pace.backfill(lambda: next(readings, pace.at)))

    assert pace.at == START + 3630 * MICROS
    assert made == pytest.approx(2 * 3630, rel=0.2)


def test_a_long_pause_is_not_caught_up() -> None:
    """After a minute without the broker, live traffic goes on from five seconds ago."""
    pace = Pace(Traffic(7, START, 100), 100, START, START)

    assert len(list(pace.live(START + 60 * MICROS))) == pytest.approx(500, abs=5)
