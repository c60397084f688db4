"""Total silence: by the wall clock, and only while ingest runs and has taken all there is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from support.lakes import Lake
from support.messages import send
from support.watched import START, folded, shop

from anomaly.commands.series import constants
from anomaly.engine.config import Config
from anomaly.engine.engine import Engine
from anomaly.engine.incident import Incident
from anomaly.lake.detection import Detection, prepare_tables
from anomaly.lake.incidents import write
from anomaly.lake.silence import Absence, Silence, absence, open_silence
from cli.stack.broker import Broker
from lakehouse import settings
from lakehouse.ingest.lag import is_level, last_arrival
from lakehouse.ingest.queries import INGEST
from lakehouse.runtime.kafka import Topic
from lakehouse.runtime.kafka_connection import Connection

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """A time so many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def busy(_at: int, minutes: int) -> Absence:
    """A site of 500 requests a minute."""
    return Absence(min(50.0, 200.0 * minutes), 500.0 * minutes)


class Scene:
    """Ingest as it is told: rows came, it runs or not."""

    def __init__(self, known: Incident | None = None, absence: object = busy) -> None:
        self.arrived, self.level = NOON, True
        self.silence = Silence(Config(), lambda: self.arrived, lambda: self.level, absence, known)  # type: ignore[arg-type]

    def look(self, minutes: Iterable[float]) -> list[Incident]:
        """What changes, looked at at these minutes."""
        return [found for each in minutes if (found := self.silence.look(at(each)))]


def quarters(first: float, last: float) -> list[float]:
    """A look every fifteen seconds."""
    return [first + n / 4 for n in range(int((last - first) * 4))]


def test_nothing_at_all_is_an_incident() -> None:
    """Of all traffic, critical, from the minute after the last row, within five minutes."""
    (one,) = Scene().look(quarters(0, 10))

    assert (one.scope, one.measure, one.direction) == ("global", "traffic", "silence")
    assert (one.severity, one.status, one.opened) == ("critical", "open", at(1))
    assert one.last_breach <= at(5)
    assert one.sentence.startswith("all traffic: nothing at all for 3 min, while ingest runs")


def test_it_closes_when_rows_are_back() -> None:
    """With how long it was."""
    scene = Scene()
    (opened,) = scene.look(quarters(0, 10))
    scene.arrived = at(10.2)
    (closed,) = scene.look([10.25, 10.5])

    assert (closed.incident_id, closed.status) == (opened.incident_id, "closed")
    assert (closed.closed, closed.duration_minutes) == (at(10), 9)


def test_rows_that_come_are_no_silence() -> None:
    """However seldom it is looked at."""
    scene = Scene()
    for minute in range(60):
        scene.arrived = at(minute)
        assert scene.look([minute + 0.9]) == []


def test_an_ingest_that_is_stopped_or_lags_is_no_silence() -> None:
    """And once it has caught up, the time before does not count."""
    scene = Scene()
    scene.level = False
    assert scene.look(quarters(0, 30)) == []

    scene.level = True
    (one,) = scene.look(quarters(30, 40))
    assert one.opened == at(31)


def test_what_is_usual_is_no_silence() -> None:
    """Too few expected, or a site that often does nothing for as long."""
    for told in (Absence(50.0, 11.0), Absence(4.9, 500.0), Absence(0.0, 0.0)):
        assert Scene(absence=lambda _at, _minutes, it=told: it).look(quarters(0, 60)) == []


def test_a_restart_goes_on_with_what_the_table_has_open(lake: Lake) -> None:
    """Nothing opens twice; the same one closes."""
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    (one,) = Scene().look(quarters(0, 10))
    write(lake.places, {one.incident_id: one}, constants(None))
    again = Scene(known=open_silence(lake.places))
    assert again.look(quarters(10, 20)) == []

    again.arrived = at(20)
    (closed,) = again.look([20.1])
    assert closed.incident_id == one.incident_id
    write(lake.places, {closed.incident_id: closed}, constants(None))
    assert open_silence(lake.places) is None


def test_analysis_takes_it_from_the_table(lake: Lake) -> None:
    """No closed minute can tell."""
    from anomaly.lake.fold import analyse
    from lakehouse.store import open_table
    from lakehouse.tables.rollups import MINUTES

    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    (one,) = Scene().look(quarters(0, 10))
    write(lake.places, {one.incident_id: one}, constants(None))

    closed = open_table(lake.places, MINUTES.name)
    assert analyse(lake.places, closed, constants(None)) == [one]


def test_what_was_learned_says_how_much_is_missed() -> None:
    """A busy shop surprises by three minutes of nothing; one that is not known yet does not."""
    young, old = Engine(Config()), Engine(Config())
    folded(shop(20), young)
    folded(shop(120), old)

    surprise, expected = absence(old, START + 123, 3)
    assert expected == pytest.approx(1500, rel=0.1)
    assert surprise > 20
    assert absence(young, START + 23, 3) == (0.0, 0.0)


def test_the_last_arrival_is_of_a_batch_that_brought_rows(lake: Lake) -> None:
    """A batch of rejects alone brings none; a lake without any has no arrival."""
    lake.admit()
    assert last_arrival(lake.places) is None
    lake.batch(0, {0: 5})
    before = last_arrival(lake.places)
    lake.batch(1, {0: 7}, bad={5, 6})

    assert before is not None
    assert abs(datetime.now(UTC) - before) < timedelta(minutes=5)
    assert last_arrival(lake.places) == before


@pytest.mark.broker
def test_ingest_is_level_while_it_runs_and_nothing_waits(
    broker: Broker, topic: Topic, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Not when it is stopped, has records to take, or Kafka does not answer."""
    lake = Lake.at(tmp_path_factory.mktemp("level"), topic)
    lake.admit({0: 0, 1: 0})
    lake.batch(0, {0: 0, 1: 0})
    assert not is_level(lake.places, broker.connection)
    with INGEST.alone(lake.places):
        assert is_level(lake.places, broker.connection)
        assert not is_level(lake.places, Connection("localhost:1"))
        send(broker.bootstrap, topic.name, [b"{}"])
        assert not is_level(lake.places, broker.connection)


def test_a_running_detection_looks(lake: Lake) -> None:
    """Nothing was learned yet: nothing is said, and nothing fails."""
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    lake.admit()
    lake.batch(0, {0: 5})
    told: list[Incident] = []
    Detection(lake.places, constants(None), told.append).silence(Connection("localhost:1"))()

    assert told == []
