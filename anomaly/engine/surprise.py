"""Surprise U = -log10 of the chance of seeing at least this, given the baseline. Pure.

Every array has the shape (n,), so has the result: U from 0 to CAP. SciPy's tails are relative to
themselves, so they are right far beyond the chance of 1e-50 that CAP stands for.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import betainc, gammaln, stdtr

from anomaly.engine.columns import Bools, Floats

CAP = 50.0
# Above this a count is scaled down with its mean: relative to them the Poisson part is nothing.
LARGE = 1e7
# The most that a dispersion or a concentration counts: beyond it, the tails are those without.
MOST_SIZE = 1e9
_LN10 = math.log(10.0)
_EXACT, _GROWTH, _POINTS = 24, 1.12, 160
_STEPS = np.unique(
    np.concatenate([np.arange(_EXACT), np.floor(_EXACT * _GROWTH ** np.arange(_POINTS))])
)
# Rows of which the terms are held at a time.
_ROWS = 512


def counts_up(seen: Floats, mean: Floats, size: Floats) -> Floats:
    """U of at least `seen`, by a negative binomial of this mean and variance mean + mean²/size."""
    seen, mean, size = _scaled(seen, mean, size)
    chance = betainc(np.maximum(seen, 1.0), size, mean / (mean + size))
    return _surprise(_log(np.where(seen > 0, chance, 1.0)))


def counts_down(seen: Floats, mean: Floats, size: Floats) -> Floats:
    """U of at most `seen`, by the same distribution."""
    seen, mean, size = _scaled(seen, mean, size)
    return _surprise(_log(betainc(size, seen + 1, size / (mean + size))))


def distance_up(z: Floats, freedom: float) -> Floats:
    """U of at least z, by Student's t with these degrees of freedom."""
    return _surprise(_log(stdtr(freedom, -np.asarray(z))))


def share_up(errors: Floats, tries: Floats, share: Floats, size: Floats) -> Floats:
    """U of at least `errors`, by a beta-binomial of this mean share and concentration `size`.

    SciPy sums it term by term. Here single terms are summed near what was seen, and growing blocks
    further out, each as a piece of a geometric series: within 0.02 of the exact sum.
    """
    scale = np.maximum(1.0, tries / LARGE)
    share, size = np.clip(share, 1e-12, 1 - 1e-12), np.clip(size, 1e-6, MOST_SIZE)
    columns = np.floor(errors / scale), np.floor(tries / scale), share * size, (1 - share) * size
    parts = (slice(i, i + _ROWS) for i in range(0, len(errors), _ROWS))
    logs = [_log_tail(*(column[part] for column in columns)) for part in parts]
    return _surprise(np.concatenate([np.zeros(0), *logs]))


def _log_tail(errors: Floats, tries: Floats, a: Floats, b: Floats) -> Floats:
    fixed = gammaln(tries + 1) + gammaln(a + b) - gammaln(a) - gammaln(b) - gammaln(tries + a + b)

    def log_chance(k: Floats) -> Floats:
        rest = tries[:, None] - k
        ways = -gammaln(k + 1) - gammaln(rest + 1)
        ours = gammaln(k + a[:, None]) + gammaln(rest + b[:, None])
        return np.asarray(fixed[:, None] + ways + ours)

    return _summed(log_chance, errors, tries - errors)


def _log(chance: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log(chance)


def _surprise(log_chance: Floats) -> Floats:
    return np.clip(np.nan_to_num(-log_chance / _LN10, nan=0.0, posinf=CAP), 0.0, CAP)


def _scaled(seen: Floats, mean: Floats, size: Floats) -> tuple[Floats, Floats, Floats]:
    scale = np.maximum(1.0, np.maximum(seen, mean) / LARGE)
    return np.floor(seen / scale), np.maximum(mean / scale, 1e-9), np.minimum(size, MOST_SIZE)


def _summed(log_chance: Callable[[Floats], Floats], start: Floats, room: Floats) -> Floats:
    """Returns the logarithm of the sum of chances from `start` on, for `room` more steps."""
    steps = np.minimum(_STEPS[None, :], room[:, None])
    logs = log_chance(start[:, None] + steps)
    width = np.diff(steps)
    inner = logs[:, :-1] + _geometric(np.diff(logs), width)
    terms = np.concatenate([np.where(width > 0, inner, -np.inf), logs[:, -1:]], axis=1)
    top = terms.max(axis=1)
    return np.asarray(top + np.log(np.exp(terms - top[:, None]).sum(axis=1)))


def _geometric(drop: Floats, width: Floats) -> Floats:
    """Returns the logarithm of 1 + q + ... + q^(width-1), where q^width = e^drop."""
    steps = np.maximum(width, 1.0)
    flat: Bools = np.abs(drop) < 1e-9
    fall = np.where(flat, -1.0, drop)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        rising = np.maximum(fall, 0.0)
        ratio = np.log(np.abs(np.expm1(-np.abs(fall))) / np.abs(np.expm1(-np.abs(fall) / steps)))
        shift = rising - rising / steps
    return np.where(flat, np.log(steps), ratio + shift)
