"""The engine: folds closed minutes, in event-time order, into incidents. Pure.

`fold` takes a minute and returns the incidents that opened, escalated or closed by it. `dump` and
`load` keep the whole state: a fold that is stopped anywhere and goes on from there returns the same
incidents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import msgspec
import numpy as np

from anomaly.engine.burstiness import Burstiness
from anomaly.engine.cause import EXPLAINS, cause_of, explained_by, order
from anomaly.engine.columns import Array, Column, Columns, Field, Floats, Ints
from anomaly.engine.config import Config
from anomaly.engine.detector import HOLD, LEARN, RELEARN, UP, Judged, SeasonalDetector, Seen
from anomaly.engine.detectors import METHODS
from anomaly.engine.incident import Incident
from anomaly.engine.keys import KeyTable
from anomaly.engine.minute import Key, Minutes, empty
from anomaly.engine.seasonality import Seasonality, render_hour
from anomaly.engine.tracker import Breach, Identity, Tracked, Tracker
from lakehouse.tables.incidents import Share

NEVER = -1
# How many minutes ago an endpoint may have waited for its service, so that it does not again.
_WAITED_MINUTES = 5
_MOST_SHARES, _LEAST_SHARE = 3, 0.1


class State(msgspec.Struct, frozen=True):
    """The whole state of an engine, for a snapshot; valid for one configuration and method only."""

    config: str
    method: str
    folded_to: int
    hour: int
    rate: float
    refused: int
    keys: list[Key]
    columns: dict[str, dict[str, Column]]
    open: list[Tracked]
    closed: list[Tracked]
    waited: list[tuple[Key, str, str, int]]


class Engine:
    """Judges every key by every detector of a method, a minute at a time.

    State is kept by detector, so several may judge one measure. They share its incidents: a key has
    at most one open incident a measure and direction, with the numbers of its worst breach. They
    also share how to learn (`learning`): what one of them found is no baseline for the others.
    """

    def __init__(self, config: Config, method: str = "surprise") -> None:
        self.config, self.method = config, method
        self.keys, self.tracker = KeyTable(config.keys), Tracker(config)
        self.detectors = {one.__name__: one(config) for one in METHODS[method]}
        self.burstiness = {
            (name, direction): Burstiness(config.burstiness, config.incidents.open)
            for name, detector in self.detectors.items()
            for direction in detector.bursts
        }
        measures = {one.measure: Field(LEARN, "u1") for one in self.detectors.values()}
        self.learning = Columns(**measures)
        self.seasonality = Seasonality()
        seasonal = (one for one in self.detectors.values() if isinstance(one, SeasonalDetector))
        self._seasonal = next(seasonal, None)
        self.folded_to, self.rate = NEVER, 0.0
        self._waited: dict[Identity, int] = {}

    def fold(self, minutes: Minutes) -> list[Incident]:
        """Folds a closed minute; returns the incidents that changed by it.

        A minute at or before the last one folded changes nothing.
        """
        if minutes.at <= self.folded_to:
            return []
        changes = [change for at in self._gap(minutes.at) for change in self._step(empty(at))]
        changes += self._step(minutes)
        weight = self.config.traffic.level_weight
        self.rate += weight * (float(minutes.requests.max(initial=0)) - self.rate)
        return changes

    @property
    def incidents(self) -> list[Incident]:
        """The incidents that are open."""
        return [tracked.incident for tracked in self.tracker.open.values()]

    def dump(self) -> State:
        """Returns the whole state, for a snapshot."""
        return State(
            self.config.hash,
            self.method,
            self.folded_to,
            self.seasonality.hour,
            self.rate,
            self.keys.refused,
            list(self.keys.listed),
            {name: columns.dump() for name, columns in self._columns().items()},
            *self.tracker.dump(),
            [(*identity, at) for identity, at in self._waited.items()],
        )

    @classmethod
    def load(cls, config: Config, kept: State) -> Engine:
        """Returns an engine that continues from a snapshot.

        Raises ValueError where the state is of another configuration, KeyError where it lacks a
        column: then a detector was added since, or keeps something else now.
        """
        if kept.config != config.hash:
            raise ValueError(f"the state is of configuration {kept.config}, not {config.hash}")
        one = cls(config, kept.method)
        one.folded_to, one.seasonality.hour, one.rate = kept.folded_to, kept.hour, kept.rate
        one.keys.load(kept.keys)
        one.keys.refused = kept.refused
        for name, columns in one._columns().items():
            columns.load(kept.columns[name])
        one.tracker.load(kept.open, kept.closed)
        one._waited = {(key, measure, way): at for key, measure, way, at in kept.waited}
        return one

    def _columns(self) -> dict[str, Columns]:
        """Returns everything that has one row a key, by name."""
        return {
            "keys": self.keys.state,
            "learning": self.learning,
            "seasonality": self.seasonality.state,
            **{f"detector {name}": one.state for name, one in self.detectors.items()},
            **{f"burstiness {' '.join(of)}": one.state for of, one in self.burstiness.items()},
        }

    def _gap(self, at: int) -> range:
        """Returns the missing minutes that count as zeros.

        Where much was expected there are none: then data is missing, and no detector judges by it.
        """
        missing = range(self.folded_to + 1, at) if self.folded_to != NEVER else range(0)
        if not missing:
            return missing
        if self.rate >= self.config.keys.gap_rate:
            for detector in self.detectors.values():
                detector.clear()
            return range(0)
        return missing[: self.config.keys.gap_minutes]

    def _step(self, minutes: Minutes) -> list[Incident]:
        seen = self._seen(minutes)
        for columns in self._columns().values():
            columns.grow(len(self.keys.listed))
        judged = [
            (name, self._weighed(name, one))
            for name, detector in self.detectors.items()
            for one in detector.step(seen, self.learning[detector.measure].copy())
        ]
        if self._seasonal:
            self.seasonality.step(minutes.at, self._seasonal.totals())
        for detector in self.detectors.values():
            learning = self.learning[detector.measure]
            learning[learning == RELEARN] = LEARN
        self.folded_to = minutes.at
        breaches = [one for each in judged for one in self._breaches(minutes.at, *each)]
        changes = [*self._track(minutes.at, breaches), *self._end(minutes.at)]
        self._forget(minutes.at)
        return changes

    def _weighed(self, name: str, judged: Judged) -> Judged:
        """Lowers the surprise of keys that often nearly alert."""
        burstiness = self.burstiness.get((name, judged.direction))
        if burstiness is None:
            return judged
        surprise = burstiness.judge(judged)
        burstiness.learn(judged)
        return replace(judged, surprise=surprise)

    def _seen(self, minutes: Minutes) -> Seen:
        rows = self.keys.take(minutes.at, minutes.keys)
        known, size = rows >= 0, len(self.keys.listed)

        def dense(values: Array, absent: float = 0.0) -> Floats:
            column = np.full(size, absent)
            column[rows[known]] = values[known]
            return column

        with np.errstate(divide="ignore"):
            p95 = np.log(minutes.latency.quantile(0.95))
        return Seen(
            at=minutes.at,
            requests=dense(minutes.requests),
            client_errors=dense(minutes.client_errors),
            server_errors=dense(minutes.server_errors),
            log_p95=dense(p95, np.nan),
            timed=dense(minutes.latency.totals()),
            warm=self.keys.warm(minutes.at),
        )

    def _track(self, at: int, breaches: list[Breach]) -> Iterator[Incident]:
        """Tracks breaches: those of open incidents, then new ones, causes before their parts."""
        explain = self._explaining(breaches)
        opening = [(one, explain(one)) for one in breaches if self.tracker.opens(one)]
        new = {one.identity for one, _ in opening}
        for one in sorted(breaches, key=lambda one: (len(one.key.parents), one.key)):
            if one.identity not in new:
                yield from self._take(at, one)

        self._waited = {of: was for of, was in self._waited.items() if at - was < _WAITED_MINUTES}
        for one, explained in sorted(opening, key=lambda each: order(*each)):
            parent = cause_of(at, one, explained, self.tracker.open, explain)
            if parent or not self._waits(at, one):
                yield from self._take(at, one, parent)

    def _waits(self, at: int, one: Breach) -> bool:
        """Whether an endpoint waits a minute, as its service is about to open by others, too.

        Then the service is told, and not the endpoint that was beyond its limit first.
        """
        service = self.keys.row_of.get(Key(one.key.service))
        if not one.key.endpoint or service is None or one.identity in self._waited:
            return False
        seen = self.detectors[one.detector].observe(np.array([service]))
        is_up = one.direction == UP
        is_beyond = seen.observed > seen.upper if is_up else seen.observed < seen.lower
        made = self._made(Key(one.key.service), one.detector, one.direction)
        if not is_beyond[0] or max(made.values()) >= EXPLAINS * sum(made.values()):
            return False
        self._waited[one.identity] = at
        return True

    def _take(self, at: int, one: Breach, parent: str = "") -> Iterator[Incident]:
        """Yields the incident that a breach changed, and what it is part of, if that escalates."""
        if not self.tracker.breach(at, one, parent):
            return
        self.learning[one.measure][self.keys.row_of[one.key]] = HOLD
        changed = self.tracker.set_contributors(one.identity, self._shares(one))
        yield changed
        whole = changed.parent and self.tracker.escalate(changed.parent, changed.severity)
        if whole:
            yield whole

    def _explaining(self, breaches: Sequence[Breach]) -> Callable[[Breach | Tracked], Key | None]:
        """Returns what tells which key makes most of a wider one, by the breaches of a minute."""
        every = [*self.tracker.open, *(one.identity for one in breaches)]
        services = sum(not one.endpoint for one in self.keys.listed) - 1 if breaches else 0

        def explain(one: Breach | Tracked) -> Key | None:
            same = {key for key, *measured in every if (*measured,) == one.identity[1:]}
            over = partial(self._made, detector=one.detector, direction=one.identity[2])
            return explained_by(one.key, same, services, over)

        return explain

    def _made(self, key: Key, detector: str, direction: str) -> dict[Key, float]:
        """Returns by how much each endpoint of a wider key is over the expected, or below it."""
        parts = np.array(self.keys.endpoints_of.get(key, []), np.int64)
        keys = [self.keys.listed[part] for part in parts]
        return dict(zip(keys, self._over(parts, detector, direction).tolist(), strict=True))

    def _over(self, parts: Ints, detector: str, direction: str) -> Floats:
        """Returns what each of these rows is over the expected, or below it, of shape (rows,)."""
        over = self.detectors[detector].excess(parts)
        return np.maximum(over if direction == UP else -over, 0.0)

    def _breaches(self, at: int, name: str, judged: Judged) -> Iterator[Breach]:
        """Yields the rows whose surprise can open an incident or keep one open."""
        usual = self._usual(at, name, judged)
        for i in np.flatnonzero(judged.surprise >= self.config.incidents.stay):
            low, high = float(usual[0][i]), float(usual[1][i])
            one = Breach(
                key=self.keys.listed[judged.rows[i]],
                measure=judged.measure,
                direction=judged.direction,
                surprise=float(judged.surprise[i]),
                holds=bool(judged.holds[i]),
                critical=bool(judged.critical[i]),
                observed=float(judged.observed[i]),
                expected=float(judged.expected[i]),
                lower=float(judged.lower[i]),
                upper=float(judged.upper[i]),
                n=float(judged.n[i]),
                usual=None if np.isnan(low) else (low, high),
                usual_when=render_hour(at),
                detector=name,
            )
            if judged.direction == "down" and one.is_usual:
                one = one._replace(holds=False)
            yield one

    def _usual(self, at: int, name: str, judged: Judged) -> tuple[Floats, Floats]:
        """Returns the usual range of these rows at this hour of the week, or NaN."""
        if self.detectors[name] is self._seasonal:
            return self.seasonality.usual(at, judged.rows)
        unknown = np.full(len(judged.rows), np.nan)
        return unknown, unknown

    def _shares(self, one: Breach) -> list[Share]:
        """Returns the endpoints that made most of a breach, with their shares of it."""
        parts = np.array(self.keys.endpoints_of.get(one.key, []), np.int64)
        if not len(parts):
            return []
        over = self._over(parts, one.detector, one.direction)
        shares = over / max(float(over.sum()), 1e-12)
        order = sorted(range(len(parts)), key=lambda i: (-shares[i], self.keys.listed[parts[i]]))
        return [
            Share("endpoint", str(self.keys.listed[parts[i]]), round(float(shares[i]), 4))
            for i in order[:_MOST_SHARES]
            if shares[i] >= _LEAST_SHARE
        ]

    def _end(self, at: int) -> Iterator[Incident]:
        for ended, is_new_level in self.tracker.end(at):
            row, measure = self.keys.row_of.get(ended.key), ended.incident.measure
            goes_on = any(identity[:2] == (ended.key, measure) for identity in self.tracker.open)
            if row is not None:
                how = RELEARN if is_new_level else HOLD if goes_on else LEARN
                self.learning[measure][row] = how
            yield ended.incident

    def _forget(self, at: int) -> None:
        """Drops, once an hour, the keys that have been idle for too long."""
        idle = self.keys.idle(at) if at % 60 == 0 else np.zeros(0, bool)
        if idle.any():
            self.keys.keep(~idle)
            for columns in [*self._columns().values()][1:]:
                columns.keep(~idle)
