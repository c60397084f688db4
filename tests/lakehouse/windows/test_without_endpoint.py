"""Lines that are no requests count for their service, with or without an endpoint."""

from __future__ import annotations

import pytest
from support.lakes import Lake, events
from support.windows import Pond, at, judge

from anomaly.lake.minutes import closed_minutes
from lakehouse import store
from lakehouse.query.ask import ask
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.check import rollups_of

LINE = {"endpoint": None, "status_code": None, "ip": None, "timestamp": f"{at(5).isoformat()}"}


@pytest.fixture
def pond(lake: Lake) -> Pond:
    """Three lines of a service, two of them errors, beside two of its requests."""
    made = Pond(lake)
    made.arrive(events([0, 1], level="error", message="no stock", **LINE))
    made.arrive(events([2], level="info", **LINE))
    made.arrive(events([3], status_code=404, timestamp=LINE["timestamp"]))
    made.arrive(events([4], level="error", timestamp=LINE["timestamp"]))
    return made


@pytest.mark.slow
def test_traffic_counts_what_has_no_endpoint(pond: Pond) -> None:
    """In a row of its own, with errors by severity; a recount finds no difference."""
    pond.close(at(60))

    found = ask(
        pond.lake.places,
        "SELECT endpoint, requests, client_errors, server_errors, error_rate FROM traffic "
        "WHERE granularity = '30m' ORDER BY endpoint NULLS FIRST",
    )
    assert [tuple(row.values()) for row in found.to_pylist()] == [
        (None, 3, 0, 2, 2 / 3),
        ("/api/items/{id}", 2, 1, 1, 1.0),
    ]
    places = pond.lake.places
    verdict = judge(places, rollups_of(places), store.open_table(places, LOGS))
    assert (verdict.wrong, verdict.late) == (0, 0)


def test_detection_counts_it_for_the_service(pond: Pond) -> None:
    """The service and all traffic have every line, once; there is no endpoint without a name."""
    pond.close(at(60), [MINUTES])

    (minute,) = closed_minutes(store.open_table(pond.lake.places, MINUTES.name))

    counted = dict(zip(map(str, minute.keys), minute.requests.tolist(), strict=True))
    assert counted == {"all traffic": 5, "shop": 5, "shop /api/items/{id}": 2}
    assert minute.server_errors.tolist() == [3, 3, 1]
