"""What Prometheus is told of the flow, and the board that draws it."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi.testclient import TestClient
from support.containers import drawn
from support.lakes import Lake

from analytics.look.status import Backlog
from analytics.web.app import Options, create
from analytics.web.lake.monitor import LagSample
from lakehouse.ingest.lag import Lag
from lakehouse.runtime.kafka_connection import Connection

NOWHERE = Connection("127.0.0.1:1")


def told(lake: Lake) -> str:
    """What /metrics says of a lake whose Kafka is away."""
    client = TestClient(
        create(lake.places, Options(connection=NOWHERE)), base_url="http://127.0.0.1"
    )
    return client.get("/metrics").text


def test_every_series_that_the_board_draws_is_told(running: Lake) -> None:
    """A panel of Grafana's board never asks for a name that nothing has."""
    text = told(running)
    assert drawn()
    assert {name for name in drawn() if f"# TYPE {name} gauge" not in text} == set()


def test_an_unknown_lag_has_no_sample(running: Lake) -> None:
    """Where Kafka does not answer, nothing is said rather than zero."""
    assert 'logpond_waiting_records{query="ingest"}' not in told(running)


def test_a_known_lag_is_told_by_topic(running: Lake) -> None:
    """Where Kafka answers, as it does nearly always."""
    app = create(running.places, Options(connection=NOWHERE))
    known = Backlog(True, Lag(5, None, {"web-logs": 5}))
    app.state.lag.samples.append(LagSample(datetime.now(UTC), True, known))
    text = TestClient(app, base_url="http://127.0.0.1").get("/metrics").text

    assert 'logpond_waiting_topic_records{topic="web-logs"} 5.0' in text
    assert 'logpond_waiting_records{query="ingest"} 5.0' in text


def test_a_lake_without_tables_still_answers(lake: Lake) -> None:
    """Before the first batch there is nothing to tell of the flow."""
    assert "logpond_waiting_records" not in told(lake)
