"""What every registered detector keeps to, whatever it is given."""

from __future__ import annotations

import numpy as np
import pytest
from support.watched import shop

from anomaly.engine.config import Config
from anomaly.engine.detector import Detector, Seen
from anomaly.engine.detectors import METHODS
from anomaly.engine.engine import Engine

EVERY = [one for method in METHODS.values() for one in method]
HOSTILE = [0.0, 1.0, np.nan, np.inf, 1e300, 1e18, 5.0]


def seen(at: int, values: list[float]) -> Seen:
    """A minute in which every measure is what the values are; keys are warm after 45."""
    requests = np.nan_to_num(np.array(values), nan=0.0, posinf=1e300)
    return Seen(
        at,
        requests,
        requests / 3,
        requests / 2,
        np.array(values),
        requests,
        np.full(len(values), at >= 45),
    )


def stepped(one: Detector, at: int, values: list[float]) -> list[float]:
    """One minute; every surprise that it found."""
    one.state.grow(len(values))
    learning = np.zeros(len(values), "u1")
    return [float(u) for judged in one.step(seen(at, values), learning) for u in judged.surprise]


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_hostile_values_are_judged_soundly(kind: type[Detector]) -> None:
    """Zeros, infinity, NaN, 1e300, in any order: surprise stays within 0 and 50."""
    one, rng = kind(Config()), np.random.default_rng(3)
    found = [u for at in range(200) for u in stepped(one, at, list(rng.choice(HOSTILE, 8)))]

    assert all(0 <= u <= 50 for u in found)


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("value", [0.0, 7.0, 1e12])
def test_a_constant_series_is_let_alone(kind: type[Detector], value: float) -> None:
    """The same every minute, then one more: nothing to say."""
    one = kind(Config())
    found = [u for at in range(200) for u in stepped(one, at, [value])]
    if not kind.__module__.endswith("zscore"):
        found += stepped(one, 200, [value + 1])

    assert [u for u in found if u >= 5] == []


@pytest.mark.parametrize("kind", EVERY)
def test_a_key_is_judged_by_itself(kind: type[Detector]) -> None:
    """What the others do changes no number of a key."""
    alone, among, rng = kind(Config()), kind(Config()), np.random.default_rng(5)
    for at in range(150):
        values = [float(v) for v in rng.integers(1, 900, 3)]
        stepped(alone, at, values[:1])
        stepped(among, at, values)

    for name in kind.fields:
        np.testing.assert_array_equal(alone.state[name][0], among.state[name][0])


@pytest.mark.parametrize("kind", EVERY)
def test_data_may_stop(kind: type[Detector]) -> None:
    """After a stretch without data the next minutes are judged as if they were the first."""
    one = kind(Config())
    for at in range(100):
        stepped(one, at, [100.0])
    one.clear()

    assert [u for u in stepped(one, 101, [100.0]) if u >= 5] == []


@pytest.mark.parametrize("kind", EVERY)
def test_its_direction_is_told(kind: type[Detector]) -> None:
    """What it judges is of its measure, in one of its directions."""
    one = kind(Config())
    one.state.grow(1)
    judged = one.step(seen(0, [5.0]), np.zeros(1, "u1"))

    assert {each.measure for each in judged} == {kind.measure}
    assert tuple(each.direction for each in judged) == kind.directions


def test_a_key_takes_less_than_2_kb() -> None:
    """All columns of the default method, a row."""
    one = Engine(Config())
    for each in shop(2):
        one.fold(each)
    columns = [c for held in one.dump().columns.values() for c in held.values()]

    assert sum(len(c.data) for c in columns) / len(one.keys.listed) < 2048
