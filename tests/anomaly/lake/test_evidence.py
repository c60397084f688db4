"""What `logs` says of an incident: events of the minutes that opened it, and who made it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from support.lakes import Lake
from support.windows import at, logged

from anomaly.commands.series import constants
from anomaly.engine.incident import Incident, evidence_of, with_evidence
from anomaly.lake.detection import Detection, prepare_tables
from anomaly.lake.incidents import incidents
from lakehouse import settings, store
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.close import close

CONFIG = constants(None)
TROUBLE, END = 70, 78
BAD = "203.0.113.9"


def lake_of(lake: Lake, **trouble: Any) -> Lake:
    """An hour and more of a shop; from minute 70 on 300 more requests a minute are like this."""
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    chance, parts = np.random.default_rng(5), []
    calm = {"event_id": "calm-{}-{}", "endpoint": trouble.get("endpoint", "/cart")}
    for minute in range(END):
        parts.append(rows(minute, int(chance.poisson(120)), **calm))
        if minute >= TROUBLE:
            parts.append(rows(minute, 300, event_id="bad-{}-{}", **trouble))
    lake.put(pa.concat_tables(parts))
    return lake


def rows(minute: int, count: int, event_id: str, ip: str = "10.0.0.{}", **columns: Any) -> pa.Table:
    """Rows of one minute, from forty addresses unless one is told."""
    times = [at(minute) + timedelta(seconds=60 * n / count) for n in range(count)]
    names = [event_id.format(minute, n) for n in range(count)]
    addresses = [ip.format(n % 40) for n in range(count)]
    told = {"status_code": 200, "response_time": 40.0, "endpoint": "/cart", **columns}
    return logged(times, event_id=names, ip=addresses, _commit="ingest:0", **told)


def found(lake: Lake, measure: str, scope: str = "endpoint") -> Incident:
    """The incident of a measure, as it is written."""
    for _ in close(lake.places, MINUTES, at(END)):
        pass
    detection = Detection(lake.places, CONFIG)
    detection()
    detection.addresses()
    return next(one for one in written(lake) if (one.measure, one.scope) == (measure, scope))


def written(lake: Lake) -> list[Incident]:
    """What the table holds."""
    return incidents(lake.places)


def shares(one: Incident, kind: str) -> dict[str, float]:
    """Who made it, of a kind."""
    return {share.name: share.share for share in one.contributors if share.kind == kind}


@pytest.mark.slow
def test_errors_are_shown_by_rows_that_failed(lake: Lake) -> None:
    """Five of them; with the status, and without an address where forty made it."""
    one = found(lake_of(lake, status_code=503), "server_errors")

    assert len(one.sample_event_ids) == 5
    assert all(name.startswith("bad-7") for name in one.sample_event_ids)
    assert shares(one, "status") == {"503": 1.0}
    assert shares(one, "address") == {}


@pytest.mark.slow
def test_a_spike_names_the_address_that_made_it(lake: Lake) -> None:
    """With its share, in the sentence too; its rows come first."""
    one = found(lake_of(lake, ip=BAD), "traffic")

    assert [*shares(one, "address")] == [BAD]
    assert f"{shares(one, 'address')[BAD]:.0%} from {BAD}".replace("%", " %") in one.sentence
    assert all(name.startswith("bad-7") for name in one.sample_event_ids)


@pytest.mark.slow
def test_slow_answers_are_shown_slowest_first(lake: Lake) -> None:
    """The slowest of the minutes that opened it."""
    times = [500.0 + n for n in range(300)]
    one = found(lake_of(lake, response_time=times), "latency")

    assert [name.rsplit("-", 1)[1] for name in one.sample_event_ids[:1]] == ["299"]


@pytest.mark.slow
def test_an_address_is_shown_by_its_own_rows(lake: Lake) -> None:
    """Those that failed first; with the endpoints and statuses that it met."""
    paths = [f"/hole{n}/x{n % 7}" for n in range(300)]
    trouble = {"ip": BAD, "status_code": 404, "path": paths, "endpoint": "/{unmatched}"}
    one = found(lake_of(lake, **trouble), "address", "address")

    assert (one.ip, shares(one, "status")) == (BAD, {"404": 1.0})
    assert shares(one, "endpoint") == {"shop /{unmatched}": 1.0}
    assert all(name.startswith("bad-70") for name in one.sample_event_ids)


@pytest.mark.slow
def test_the_wider_incident_names_endpoints_and_addresses(lake: Lake) -> None:
    """Both kinds in one sentence."""
    one = found(lake_of(lake, ip=BAD), "traffic", "global")

    assert shares(one, "endpoint") == {"shop /cart": 1.0}
    assert "from shop /cart; " in one.sentence
    assert one.sentence.endswith(f"from {BAD}")


@pytest.mark.slow
def test_what_was_read_stays_as_it_was(lake: Lake) -> None:
    """An incident that closes later keeps its events, also where `logs` has none of them more."""
    lake_of(lake, status_code=503)
    before = {one.incident_id: one for one in [found(lake, "server_errors"), *written(lake)]}
    store.open_table(lake.places, "logs").delete()
    lake.put(pa.concat_tables([rows(END + n, 120, "later-{}-{}") for n in range(30)]))
    for _ in close(lake.places, MINUTES, at(END + 29)):
        pass
    Detection(lake.places, CONFIG)()

    after = [one for one in written(lake) if one.incident_id in before]
    assert {one.status for one in after} == {"closed"}
    assert [evidence_of(one) for one in after] == [
        evidence_of(before[one.incident_id]) for one in after
    ]


@pytest.mark.slow
def test_evidence_can_be_taken_off_again(lake: Lake) -> None:
    """What is left is what the minutes alone say."""
    one = found(lake_of(lake, ip=BAD), "traffic", "global")
    bare = with_evidence(one, [], [])

    assert (bare.sample_event_ids, shares(bare, "address")) == ([], {})
    assert shares(bare, "endpoint") == {"shop /cart": 1.0}
    assert BAD not in bare.sentence
    assert with_evidence(bare, *evidence_of(one)) == one


@pytest.mark.slow
@pytest.mark.parametrize("name", ["'; DROP TABLE logs; --", "/\x1b[2J"])
def test_names_out_of_logs_are_data(lake: Lake, name: str) -> None:
    """No name is SQL, and none acts on a terminal."""
    one = found(lake_of(lake, endpoint=name, status_code=503), "server_errors")

    assert len(one.sample_event_ids) == (5 if name.isprintable() else 0)
    assert one.sentence.isprintable()
    assert lake.count() > 10_000
