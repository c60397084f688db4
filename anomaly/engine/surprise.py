"""Surprise U = -log10 of the chance of seeing at least this, given the baseline. Pure, no SciPy.

Tails are summed term by term near what was seen, and in growing blocks further out, each taken as
a piece of a geometric series. Tests hold them to the exact sums within 0.02.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from anomaly.engine.columns import Bools, Floats

CAP = 50.0
# Above this a count is scaled down with its mean: relative to them the Poisson part is nothing.
LARGE = 1e7
# Above this many "successes" a negative binomial is a Poisson.
POISSON = 1e9
_LN10 = math.log(10.0)
_EXACT, _GROWTH, _POINTS = 24, 1.12, 160
_STEPS = np.unique(
    np.concatenate([np.arange(_EXACT), np.floor(_EXACT * _GROWTH ** np.arange(_POINTS))])
)
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680)


def log_gamma(x: Floats) -> Floats:
    """The logarithm of the gamma function for x > 0, to 1e-10 relative."""
    small = x < 8
    shifted = np.where(small, x + 8, x)
    product = np.ones_like(x)
    for i in range(8):
        product = product * np.where(small, x + i, 1.0)
    squared, series = 1 / (shifted * shifted), np.zeros_like(x)
    for term in reversed(_STIRLING):
        series = series * squared + term
    stirling = (shifted - 0.5) * np.log(shifted) - shifted + 0.5 * math.log(2 * math.pi)
    return np.asarray(stirling + series / shifted - np.log(product))


def counts_up(seen: Floats, mean: Floats, size: Floats) -> Floats:
    """Of a negative binomial with this mean and variance mean + mean²/size: at least `seen`."""
    seen, mean, size = _scaled(seen, mean, size)
    return _capped(_summed(_negative_binomial(mean, size), seen, np.full_like(seen, np.inf)))


def counts_down(seen: Floats, mean: Floats, size: Floats) -> Floats:
    """The same, at most `seen`."""
    seen, mean, size = _scaled(seen, mean, size)
    return _capped(_summed(_negative_binomial(mean, size), seen, seen, -1))


def share_up(errors: Floats, tries: Floats, share: Floats, size: Floats) -> Floats:
    """Of a beta-binomial with this mean share and concentration `size`: at least `errors`."""
    scale = np.maximum(1.0, tries / LARGE)
    share, size = np.clip(share, 1e-12, 1 - 1e-12), np.clip(size, 1e-6, POISSON)
    errors, tries = np.floor(errors / scale), np.floor(tries / scale)
    a, b = share * size, (1 - share) * size
    fixed = log_gamma(tries + 1) + log_gamma(a + b) - log_gamma(a) - log_gamma(b)
    fixed = fixed - log_gamma(tries + a + b)

    def log_chance(k: Floats) -> Floats:
        rest = tries[:, None] - k
        chosen = -log_gamma(k + 1) - log_gamma(rest + 1)
        ours = log_gamma(k + a[:, None]) + log_gamma(rest + b[:, None])
        return np.asarray(fixed[:, None] + chosen + ours)

    return _capped(_summed(log_chance, errors, tries - errors))


def distance_up(z: Floats, freedom: float) -> Floats:
    """Of Student's t with these degrees of freedom: at least z (as a normal, by Wallace)."""
    squeezed = np.sqrt(freedom * np.log1p(np.square(np.minimum(np.abs(z), 1e100)) / freedom))
    normal = np.copysign(squeezed * (8 * freedom + 1) / (8 * freedom + 3), z)
    return _capped(np.array([_log_normal_tail(float(one)) for one in normal]))


def _log_normal_tail(z: float) -> float:
    return math.log(math.erfc(min(z, 25.0) / math.sqrt(2)) / 2)


def _capped(log_chance: Floats) -> Floats:
    return np.clip(np.nan_to_num(-log_chance / _LN10, nan=0.0, posinf=CAP), 0.0, CAP)


def _scaled(seen: Floats, mean: Floats, size: Floats) -> tuple[Floats, Floats, Floats]:
    scale = np.maximum(1.0, np.maximum(seen, mean) / LARGE)
    return np.floor(seen / scale), np.maximum(mean / scale, 1e-9), np.minimum(size, POISSON)


def _negative_binomial(mean: Floats, size: Floats) -> Callable[[Floats], Floats]:
    mean, size = mean[:, None], size[:, None]
    rate = np.log(mean) - np.log(mean + size)
    fixed = -size * np.log1p(mean / size)

    def log_chance(k: Floats) -> Floats:
        ways = np.where(size < POISSON, log_gamma(k + size) - log_gamma(size), k * np.log(size))
        return np.asarray(ways - log_gamma(k + 1) + fixed + k * rate)

    return log_chance


def _summed(
    log_chance: Callable[[Floats], Floats], start: Floats, room: Floats, way: int = 1
) -> Floats:
    """The logarithm of the sum of chances from `start` on, for `room` more steps that way."""
    steps = np.minimum(_STEPS[None, :], room[:, None])
    logs = log_chance(start[:, None] + way * steps)
    width = np.diff(steps)
    drop = np.diff(logs)
    inner = logs[:, :-1] + _geometric(drop, width)
    terms = np.concatenate([np.where(width > 0, inner, -np.inf), logs[:, -1:]], axis=1)
    top = terms.max(axis=1)
    return np.asarray(top + np.log(np.exp(terms - top[:, None]).sum(axis=1)))


def _geometric(drop: Floats, width: Floats) -> Floats:
    """The logarithm of 1 + q + ... + q^(width-1), where q^width = e^drop."""
    steps = np.maximum(width, 1.0)
    flat: Bools = np.abs(drop) < 1e-9
    fall = np.where(flat, -1.0, drop)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        rising = np.maximum(fall, 0.0)
        ratio = np.log(np.abs(np.expm1(-np.abs(fall))) / np.abs(np.expm1(-np.abs(fall) / steps)))
        shift = rising - rising / steps
    return np.where(flat, np.log(steps), ratio + shift)
