"""A detector is one file with one class: discovered, judged, kept, evaluated and explained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from support.extra_detector import ceiling
from support.watched import START, folded, shop

from anomaly.engine.config import Config
from anomaly.engine.engine import Engine, State
from anomaly.engine.incident import start_of
from anomaly.engine.minute import Key, Minute
from anomaly.evaluate.inject import staged, synthetic
from anomaly.evaluate.outcome import alarms
from anomaly.review.explain import SeriesOfKey

CART = Key("shop", "/cart")


@pytest.fixture(name="ceiling")
def with_ceiling(tmp_path: Path) -> Iterator[None]:
    """One more file in the folder of detectors."""
    with ceiling(tmp_path):
        yield


def busy(at: int, key: Key, one: Minute) -> Minute:
    """A little more on one endpoint for ten minutes: nothing to surprise the other detectors."""
    return replace(one, requests=151) if key == CART and 100 <= at < 110 else one


def of_cart(engine: Engine) -> list[tuple[str, float, float]]:
    """The incidents of traffic that a fold finds of one endpoint."""
    found = folded(shop(200, busy), engine)
    return [(i.status, i.observed, i.expected) for i in found if i.key == str(CART)]


@pytest.mark.usefixtures("ceiling")
def test_it_judges_beside_the_one_that_has_its_measure() -> None:
    """Both keep a state, and what only the new one sees is an incident with its numbers."""
    engine = Engine(Config())

    assert ("open", 151.0, 150.0) in of_cart(engine)
    assert {"Traffic", "Ceiling"} <= engine.detectors.keys()
    assert {"detector Traffic", "detector Ceiling"} <= engine.dump().columns.keys()


def test_without_it_there_is_no_such_incident() -> None:
    """Nor is it left registered."""
    assert of_cart(Engine(Config())) == []


@pytest.mark.usefixtures("ceiling")
def test_a_restart_goes_on_with_it() -> None:
    """Its state is kept, and loaded."""
    minutes, first = [*shop(200, busy)], Engine(Config())
    before = folded(minutes[:104], first)
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode(first.dump()), type=State)

    whole = folded(minutes)
    assert before + folded(minutes[104:], Engine.load(Config(), kept)) == whole


def test_a_state_of_before_it_came_is_refused(request: pytest.FixtureRequest) -> None:
    """It lacks a column: the fold begins anew."""
    kept = Engine(Config()).dump()
    request.getfixturevalue("ceiling")

    with pytest.raises(KeyError, match="Ceiling"):
        Engine.load(Config(), kept)


@pytest.mark.slow
@pytest.mark.usefixtures("ceiling")
def test_it_is_evaluated() -> None:
    """Its alarms are among those that are counted."""
    stage = staged(synthetic(3, 1.0, 1), 1)
    raised = {(one.key, one.at) for one in alarms(stage, Config(), "surprise")}
    above = (stage.rates.requests > 150).any(axis=0)

    assert above.any()
    assert {key for key, _ in raised} >= {int(key) for key in above.nonzero()[0]}


@pytest.mark.usefixtures("ceiling")
def test_it_is_explained_by_its_own_series() -> None:
    """The incident knows whose numbers it has, and these are followed."""
    engine = Engine(Config())
    series = SeriesOfKey(engine, CART, "traffic", start_of(START + 90))
    changes = [one for each in series.following(shop(112, busy)) for one in engine.fold(each)]
    incident = next(one for one in changes if one.key == str(CART))

    assert engine.tracker.detector_of(incident.incident_id) == "Ceiling"
    assert {len(points) for points in series.points.values()} == {22}
    assert max(point.observed for point in series.points["Ceiling"]) == 151.0
    assert max(point.observed for point in series.points["Traffic"]) > 151.0
