"""Judges the share of failed requests: five minutes against the baseline share. Pure."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from anomaly.engine import surprise
from anomaly.engine.columns import Array, Bools, Field, Floats, Ints
from anomaly.engine.detector import (
    HOLD,
    RELEARN,
    SPAN,
    UP,
    Detector,
    Judged,
    Observation,
    Seen,
    band,
    detector,
    follow,
    push,
    reach,
    winsorized,
)

# A minute counts at most so many standard deviations while learning; fewer in an incident.
_WINSOR, _INCIDENT_WINSOR = 4.0, 1.0


class Errors(Detector):
    """Judges by a beta-binomial tail with a learned share, certainty and spread."""

    column: ClassVar[str]
    fields: ClassVar[dict[str, Field]] = {
        "errors": Field(np.nan, width=SPAN),
        "requests": Field(np.nan, width=SPAN),
        "usual_errors": Field(),
        "usual_requests": Field(),
        "learned": Field(0, "i4"),
        "extra": Field(),
        "scale": Field(),
    }

    def step(self, seen: Seen, learning: Array) -> list[Judged]:
        """Judges the errors of the last five minutes among their requests, then learns."""
        self._push(getattr(seen, self.column), seen.requests, learning)
        errors, tries = self._sums()
        share, spread = self._share(), self._spread(tries)
        ready = seen.warm & ~np.isnan(self.state["errors"][:, 0])
        found = self._judge(ready, learning, errors, tries, share, spread)
        self._learn_spread(learning, errors, tries, share, spread, ready)
        return [found]

    def excess(self, rows: Ints) -> Floats:
        """Returns the errors over the expected in the last five minutes."""
        errors, tries = self._sums()
        return np.asarray((errors - tries * self._share())[rows])

    def observe(self, rows: Ints) -> Observation:
        """Returns the errors of five minutes, the expected ones, and their band."""
        (errors, tries), share = self._sums(), self._share()
        low, high = band(tries * share, _variance(tries, share, self._spread(tries)))
        seen = errors + 0 * self.state["errors"].sum(axis=1)
        columns = (seen, tries * share, low, np.minimum(high, tries), tries)
        return Observation(*(column[rows] for column in columns))

    def clear(self) -> None:
        """Forgets the last minutes; judges again after five minutes of data."""
        self.state["errors"][:] = self.state["requests"][:] = np.nan

    def _sums(self) -> tuple[Floats, Floats]:
        errors = np.nansum(self.state["errors"], axis=1)
        return errors, np.maximum(np.nansum(self.state["requests"], axis=1), errors)

    def _share(self) -> Floats:
        config, weight = self.config.errors, self.config.errors.level_weight
        prior = config.prior_requests * weight
        usual = self.state["usual_errors"] + config.prior_share * prior
        return np.clip(usual / (self.state["usual_requests"] + prior), 1e-5, 0.95)

    def _spread(self, tries: Floats) -> Floats:
        """Returns the share's variance as a part of p(1-p): spread plus uncertainty."""
        config, state = self.config.errors, self.state
        known = state["usual_requests"] / config.level_weight + config.prior_requests
        prior = config.prior_requests**2 * self._share()
        wander = (state["extra"] + config.spread_prior * prior) / (state["scale"] + prior)
        return np.clip(wander, config.spread_least, 0.5) + 1 / known

    def _push(self, errors: Floats, requests: Floats, learning: Array) -> None:
        config, state = self.config.errors, self.state
        left, of = push(state["errors"], errors), push(state["requests"], requests)
        sound, share = ~np.isnan(left), self._share()
        tries = np.where(sound, of, 0.0)
        deviation = np.sqrt(_variance(tries, share, self._spread(tries))) + 0.5
        far = reach(learning, state["learned"], _WINSOR, _INCIDENT_WINSOR) * deviation
        counted, weight = winsorized(left, tries * share, far), config.level_weight
        follow(state["usual_errors"], counted, weight, sound)
        follow(state["usual_requests"], of, weight, sound)
        state["learned"][:] += sound
        self._anew(learning == RELEARN)

    def _anew(self, rows: Bools) -> None:
        for usual, last in (("usual_errors", "errors"), ("usual_requests", "requests")):
            self.state[usual][rows] = np.nansum(self.state[last][rows], axis=1) / SPAN

    def _learn_spread(
        self,
        learning: Array,
        errors: Floats,
        tries: Floats,
        share: Floats,
        spread: Floats,
        ready: Bools,
    ) -> None:
        weight = self.config.errors.spread_weight
        deviation = np.sqrt(_variance(tries, share, spread)) + 0.5
        far = np.where(learning == HOLD, _INCIDENT_WINSOR, _WINSOR) * deviation
        off = winsorized(errors, tries * share, far) - tries * share
        plain = tries * share * (1 - share)
        follow(self.state["extra"], off * off - plain, weight, ready)
        follow(self.state["scale"], plain * np.maximum(tries - 1, 0.0), weight, ready)

    def _judge(
        self,
        ready: Bools,
        learning: Array,
        errors: Floats,
        tries: Floats,
        share: Floats,
        spread: Floats,
    ) -> Judged:
        config, expected = self.config.errors, tries * share
        holds = (tries >= config.requests_least) & (errors >= config.errors_least)
        holds &= (errors >= config.ratio * expected) & (errors >= expected + config.points * tries)
        rows = np.flatnonzero(ready & (errors > expected) & (holds | (learning == HOLD)))
        found = surprise.share_up(errors[rows], tries[rows], share[rows], 1 / spread[rows])
        critical = (holds & (errors > config.critical_share * tries))[rows]
        low, high = band(expected, _variance(tries, share, spread))
        columns = (c[rows] for c in (errors, expected, low, np.minimum(high, tries), tries))
        return Judged(self.measure, UP, rows, found, holds[rows], critical, *columns)


@detector("surprise")
class ClientErrors(Errors):
    """Judges the share of requests that were answered 4xx."""

    measure, column = "client_errors", "client_errors"


@detector("surprise")
class ServerErrors(Errors):
    """Judges the share of requests that were answered 5xx."""

    measure, column = "server_errors", "server_errors"


def _variance(tries: Floats, share: Floats, spread: Floats) -> Floats:
    return np.asarray(tries * share * (1 - share) * (1 + np.maximum(tries - 1, 0.0) * spread))
