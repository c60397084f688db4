"""The one class that folds closed minutes, in event-time order, into incidents. Pure.

`fold` takes a minute and hands out the incidents that opened, escalated or closed by it. `dump`
and `load` keep the whole state: a fold that is stopped anywhere and goes on from there gives the
same incidents.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import msgspec
import numpy as np

from anomaly.engine.arrays import Array, Floats
from anomaly.engine.config import Config
from anomaly.engine.detectors import ANEW, CALM, HELD, METHODS, Detector, Judged, Seen
from anomaly.engine.detectors.burstiness import Restless
from anomaly.engine.histogram import Histograms
from anomaly.engine.incident import Incident, Share
from anomaly.engine.keys import Roster
from anomaly.engine.minute import Key, Minutes
from anomaly.engine.seasonality import Season, called
from anomaly.engine.state import Column, Columns, Field
from anomaly.engine.tracker import Book, Breach, Case

NEVER = -1
_MOST_SHARES, _LEAST_SHARE = 3, 0.1


class State(msgspec.Struct, frozen=True):
    """All that a watchman knows, to keep; good for one configuration and method only."""

    config: str
    method: str
    folded_to: int
    hour: int
    rate: float
    refused: int
    keys: list[Key]
    columns: dict[str, dict[str, Column]]
    open: list[Case]
    closed: list[Case]


class Watchman:
    """Judges every key by every measure, a minute at a time."""

    def __init__(self, config: Config, method: str = "surprise") -> None:
        self.config, self.method = config, method
        self.roster, self.season, self.book = Roster(config.keys), Season(), Book(config)
        self.detectors: list[Detector] = [one(config) for one in METHODS[method]]
        self.restless = {
            f"{one.measure} {way}": Restless(config.restless, config.incidents.open)
            for one in self.detectors
            for way in one.bursts
        }
        self.mood = Columns(**{one.measure: Field(CALM, "u1") for one in self.detectors})
        self.folded_to, self.rate = NEVER, 0.0

    def fold(self, minutes: Minutes) -> list[Incident]:
        """Take a closed minute; a minute at or before the last one folded changes nothing."""
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
        return [case.incident for case in self.book.open.values()]

    def dump(self) -> State:
        """The state to keep."""
        columns = {name: held.dump() for name, held in self._held().items()}
        return State(
            self.config.hash,
            self.method,
            self.folded_to,
            self.season.hour,
            self.rate,
            self.roster.refused,
            list(self.roster.keys),
            columns,
            *self.book.dump(),
        )

    @classmethod
    def load(cls, config: Config, kept: State) -> Watchman:
        """A watchman that goes on where the kept one was."""
        if kept.config != config.hash:
            raise ValueError(f"the state is of configuration {kept.config}, not {config.hash}")
        one = cls(config, kept.method)
        one.folded_to, one.season.hour, one.rate = kept.folded_to, kept.hour, kept.rate
        one.roster.load(kept.keys)
        one.roster.refused = kept.refused
        for name, held in one._held().items():
            held.load(kept.columns[name])
        one.book.load(kept.open, kept.closed)
        return one

    def _held(self) -> dict[str, Columns]:
        """Everything with a row a key, by name."""
        return {
            "roster": self.roster.state,
            "mood": self.mood,
            "season": self.season.state,
            **{one.measure: one.state for one in self.detectors},
            **{name: one.state for name, one in self.restless.items()},
        }

    def _gap(self, at: int) -> range:
        """The minutes without a row to take as zeros; none where much was expected: no data."""
        missing = range(self.folded_to + 1, at) if self.folded_to != NEVER else range(0)
        if not missing:
            return missing
        if self.rate >= self.config.keys.gap_rate:
            for one in self.detectors:
                one.clear()
            return range(0)
        return missing[: self.config.keys.gap_minutes]

    def _step(self, minutes: Minutes) -> list[Incident]:
        seen = self._seen(minutes)
        for state in self._held().values():
            state.grow(len(self.roster.keys))
        found = [
            self._weighed(judged)
            for one in self.detectors
            for judged in one.step(seen, self.mood[one.measure].copy())
        ]
        self._seasoned(minutes.at)
        for one in self.detectors:
            mood = self.mood[one.measure]
            mood[mood == ANEW] = CALM
        self.folded_to = minutes.at
        changes = [*self._breaches(minutes.at, found), *self._ends(minutes.at)]
        self._forget(minutes.at)
        return changes

    def _weighed(self, judged: Judged) -> Judged:
        """The same, with the surprise that its keys' past lets count."""
        past = self.restless.get(f"{judged.measure} {judged.direction}")
        if past is None:
            return judged
        surprise = past.judge(judged)
        past.learn(judged)
        return replace(judged, surprise=surprise)

    def _seen(self, minutes: Minutes) -> Seen:
        rows = self.roster.take(minutes.at, minutes.keys)
        held, size = rows >= 0, len(self.roster.keys)

        def dense(values: Array, empty: float = 0.0) -> Floats:
            column = np.full(size, empty)
            column[rows[held]] = values[held]
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
            warm=self.roster.warm(minutes.at),
        )

    def _seasoned(self, at: int) -> None:
        for one in self.detectors:
            if one.measure == "traffic" and self.method == "surprise":
                self.season.step(at, np.nansum(one.state["last"], axis=1))

    def _breaches(self, at: int, found: list[Judged]) -> Iterator[Incident]:
        """Widest keys first, so that the others find a parent."""
        each = [one for judged in found for one in self._worth(at, judged)]
        for one in sorted(each, key=lambda one: (len(one.key.parents), one.key)):
            change = self.book.breach(at, one)
            if change:
                self.mood[one.measure][self.roster.rows[one.key]] = HELD
                yield self.book.explain(one.name, self._shares(one))

    def _worth(self, at: int, judged: Judged) -> Iterator[Breach]:
        """Those that can open an incident or keep one open."""
        keys, stay = self.roster.keys, self.config.incidents.stay
        usual = self._usual(at, judged)
        for i in np.flatnonzero(judged.surprise >= stay):
            low, high = usual[0][i], usual[1][i]
            known = None if np.isnan(low) else (float(low), float(high))
            one = Breach(
                key=keys[judged.rows[i]],
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
                usual=known,
                usual_when=called(at),
            )
            if judged.direction == "down" and one.is_usual:
                one = one._replace(holds=False)
            yield one

    def _usual(self, at: int, judged: Judged) -> tuple[Floats, Floats]:
        if judged.measure == "traffic" and self.method == "surprise":
            return self.season.usual(at, judged.rows)
        unknown = np.full(len(judged.rows), np.nan)
        return unknown, unknown

    def _shares(self, one: Breach) -> list[Share]:
        """Which endpoints made it, and with which share."""
        parts = np.array(self.roster.parts.get(one.key, []), np.int64)
        if not len(parts):
            return []
        over = next(d for d in self.detectors if d.measure == one.measure).excess(parts)
        over = np.maximum(over if one.direction == "up" else -over, 0.0)
        shares = over / max(float(over.sum()), 1e-12)
        order = sorted(range(len(parts)), key=lambda i: (-shares[i], self.roster.keys[parts[i]]))
        return [
            Share("endpoint", str(self.roster.keys[parts[i]]), round(float(shares[i]), 4))
            for i in order[:_MOST_SHARES]
            if shares[i] >= _LEAST_SHARE
        ]

    def _ends(self, at: int) -> Iterator[Incident]:
        for case, new_level in self.book.end(at):
            row, measure = self.roster.rows.get(case.key), case.incident.measure
            still = any(name[:2] == (case.key, measure) for name in self.book.open)
            if row is not None:
                self.mood[measure][row] = ANEW if new_level else HELD if still else CALM
            yield case.incident

    def _forget(self, at: int) -> None:
        """Once an hour, keys that are idle."""
        idle = self.roster.idle(at) if at % 60 == 0 else np.zeros(0, bool)
        if idle.any():
            self.roster.keep(~idle)
            for name, state in self._held().items():
                if name != "roster":
                    state.keep(~idle)


def empty(at: int) -> Minutes:
    """A minute in which nobody did anything."""
    none = np.zeros(0, np.int64)
    return Minutes(at, [], none, none, none, Histograms(np.zeros(1, np.int64), none, none))
