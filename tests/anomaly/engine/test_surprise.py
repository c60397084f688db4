"""Surprise is right: held to exact sums, and sound for whatever it is given."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anomaly.engine import surprise


def negative_binomial(k: int, mean: float, size: float) -> float:
    """The exact chance, term by term from the standard library's gamma."""
    ways = math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1)
    return math.exp(
        ways - size * math.log1p(mean / size) + k * (math.log(mean) - math.log(mean + size))
    )


def beta_binomial(k: int, n: int, share: float, size: float) -> float:
    """The exact chance of k among n."""
    a, b = share * size, (1 - share) * size
    beta = math.lgamma(k + a) + math.lgamma(n - k + b) - math.lgamma(n + a + b)
    beta -= math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    return math.comb(n, k) * math.exp(beta)


def up(seen: float, mean: float, size: float) -> float:
    """One value of `counts_up`."""
    return float(surprise.counts_up(*(np.array([v], float) for v in (seen, mean, size)))[0])


def down(seen: float, mean: float, size: float) -> float:
    """One value of `counts_down`."""
    return float(surprise.counts_down(*(np.array([v], float) for v in (seen, mean, size)))[0])


def share(errors: float, tries: float, usual: float, size: float) -> float:
    """One value of `share_up`."""
    given = (np.array([v], float) for v in (errors, tries, usual, size))
    return float(surprise.share_up(*given)[0])


@pytest.mark.parametrize("size", [0.5, 3.0, 40.0, 1e4])
@pytest.mark.parametrize(("seen", "mean"), [(0, 3), (7, 2.5), (60, 20), (180, 100), (2500, 2000)])
def test_counts_up_is_the_exact_sum(seen: int, mean: float, size: float) -> None:
    """At least `seen` of a negative binomial, within 0.02 of the sum of its terms."""
    below = sum(negative_binomial(k, mean, size) for k in range(seen))
    above = sum(negative_binomial(k, mean, size) for k in range(seen, seen + 40_000))
    exact = above if above < 0.5 else 1 - below

    assert up(seen, mean, size) == pytest.approx(-math.log10(exact), abs=0.02)


@pytest.mark.parametrize("size", [2.0, 8.0, 40.0, 1e4])
@pytest.mark.parametrize(("seen", "mean"), [(0, 3), (0, 300), (10, 60), (400, 1000), (1500, 2000)])
def test_counts_down_is_the_exact_sum(seen: int, mean: float, size: float) -> None:
    """At most `seen`, likewise."""
    exact = sum(negative_binomial(k, mean, size) for k in range(seen + 1))

    assert down(seen, mean, size) == pytest.approx(min(-math.log10(exact), 50), abs=0.02)


@pytest.mark.parametrize("size", [5.0, 60.0, 5000.0])
@pytest.mark.parametrize(("errors", "tries"), [(5, 20), (30, 200), (90, 1000), (40, 40)])
@pytest.mark.parametrize("usual", [0.002, 0.02])
def test_share_up_is_the_exact_sum(errors: int, tries: int, usual: float, size: float) -> None:
    """At least so many errors of a beta-binomial, likewise."""
    exact = sum(beta_binomial(k, tries, usual, size) for k in range(errors, tries + 1))

    found = share(errors, tries, usual, size)
    assert found == pytest.approx(min(-math.log10(exact), 50), abs=0.02)


@pytest.mark.parametrize(
    ("z", "freedom", "exact"),
    [
        (2.0, 5, 0.050970),
        (4.0, 5, 0.005162),
        (8.0, 5, 0.000246),
        (4.0, 30, 0.000191),
        (3.0, 1e9, 0.0013499),
        (0.0, 5, 0.5),
    ],
)
def test_distance_up_is_the_tail_of_students_t(z: float, freedom: float, exact: float) -> None:
    """Within 3 % of the tables."""
    found = float(surprise.distance_up(np.array([z]), freedom)[0])

    assert found == pytest.approx(-math.log10(exact), rel=0.03)


numbers = st.floats(0, 1e300)


@given(numbers, numbers, st.floats(1e-3, 1e12))
def test_counts_are_sound_for_any_number(seen: float, mean: float, size: float) -> None:
    """Between 0 and the cap, whatever the counts are."""
    assert 0 <= up(seen, mean, size) <= surprise.CAP
    assert 0 <= down(seen, mean, size) <= surprise.CAP


@given(numbers, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1e12))
def test_shares_are_sound_for_any_number(
    tries: float, errors: float, usual: float, size: float
) -> None:
    """Likewise for errors among tries."""
    assert 0 <= share(math.floor(errors * tries), math.floor(tries), usual, size) <= surprise.CAP


def test_more_is_more_surprising() -> None:
    """Surprise rises with what was seen."""
    seen = np.arange(100.0, 2000.0, 7.0)
    found = surprise.counts_up(seen, np.full_like(seen, 90.0), np.full_like(seen, 20.0))

    assert (np.diff(found) >= -1e-9).all()
