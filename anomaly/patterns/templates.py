"""The templates of all services, each with a row of what was seen of it; bounded. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from anomaly.engine.columns import Bools, Column, Columns, Field, Ints
from anomaly.engine.config import Patterns as Limits
from anomaly.patterns.minute import CUT, LONGEST_NAME, MaskedLine
from lakehouse.patterns.drain import Drain, Template

NEVER = -1


class Known(msgspec.Struct, frozen=True):
    """A template in a snapshot."""

    service: str
    first: str
    words: list[str | None]
    name: str


class Service(msgspec.Struct):
    """A service: its first minute, its last one, in how many it wrote how many lines.

    `announced` has the minutes in which incidents of new patterns opened, of the last day.
    """

    born: int
    last: int
    minutes: int = 0
    lines: int = 0
    announced: list[int] = []


class State(msgspec.Struct, frozen=True):
    """All templates, for a snapshot."""

    services: dict[str, Service]
    known: list[Known]
    columns: dict[str, Column]


class Templates:
    """Templates by row: `service_of[row]` says whose it is, `state` what was seen of it.

    `name_of[row]` is what incidents call it, empty until one does: templates widen, names stay. A
    service has at most `most` templates after a minute, and there are at most `most_services`:
    those that were seen in the fewest minutes go first. `refused` counts lines without a template.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits, self.refused = limits, 0
        self.services: dict[str, Service] = {}
        self.service_of: list[str] = []
        self.name_of: list[str] = []
        self._templates: list[Template] = []
        self._drains: dict[str, Drain] = {}
        self._row_of: dict[int, int] = {}
        self.state = Columns(
            born=Field(0, "i8"),
            last=Field(0, "i8"),
            minutes=Field(0, "i8"),
            lines=Field(0, "i8"),
            severe=Field(0, "i8"),
            errors=Field(0, "i8"),
        )

    def __len__(self) -> int:
        return len(self._templates)

    def take(self, at: int, each: Sequence[MaskedLine]) -> Ints:
        """Finds the templates of lines, new ones too. Returns the lines of each row."""
        for line in each:
            service = self.services.setdefault(line.service, Service(at, NEVER))
            service.minutes += service.last != at
            service.last, service.lines = at, service.lines + line.lines
        rows = [self._row(at, line) for line in each]
        self.state.grow(len(self))
        found = np.array([row for row in rows if row >= 0], np.int64)
        there = [line for line, row in zip(each, rows, strict=True) if row >= 0]
        self.refused += sum(line.lines for line in each) - sum(line.lines for line in there)
        lines = np.zeros(len(self), np.int64)
        np.add.at(lines, found, np.array([line.lines for line in there], np.int64))
        self._count(at, found, there, lines)
        return lines

    def name(self, row: int) -> str:
        """Returns what incidents call a template, which does not change any more."""
        if not self.name_of[row]:
            text = str(self._templates[row])
            self.name_of[row] = text[:LONGEST_NAME] + CUT * (len(text) > LONGEST_NAME)
        return self.name_of[row]

    def known_for(self, rows: Ints) -> Ints:
        """Returns for how many minutes the services were known when these templates came."""
        born = [self.services[self.service_of[row]].born for row in rows]
        return np.asarray(self.state["born"][rows] - np.array(born, np.int64))

    def surplus(self, at: int) -> Bools:
        """Returns which rows are to go: there are too many, or they were idle for too long."""
        limits, state = self._limits, self.state
        gone = at - state["last"] > limits.idle_minutes
        dropped = self._dropped_services(at)
        if dropped:
            gone |= np.array([name in dropped for name in self.service_of])
        for name, drain in self._drains.items():
            if len(drain.templates) > limits.most:
                mine = np.array([row for row, of in enumerate(self.service_of) if of == name])
                order = np.lexsort([state[by][mine] for by in ("lines", "last", "minutes")])
                gone[mine[order[: len(mine) - limits.most]]] = True
        return np.asarray(gone)

    def keep(self, rows: Bools) -> None:
        """Drops the templates whose entry in `rows` is false; the others move up."""
        self.state.keep(rows)
        kept = np.flatnonzero(rows).tolist()
        self.service_of = [self.service_of[row] for row in kept]
        self.name_of = [self.name_of[row] for row in kept]
        self._replace([self._templates[row] for row in kept])

    def dump(self) -> State:
        """Returns all templates, for a snapshot."""
        each = zip(self.service_of, self._templates, self.name_of, strict=True)
        known = [Known(of, one.first, [*one.words], name) for of, one, name in each]
        copied = {
            name: msgspec.structs.replace(one, announced=[*one.announced])
            for name, one in self.services.items()
        }
        return State(copied, known, self.state.dump())

    def load(self, kept: State) -> None:
        """Continues from a snapshot."""
        self.services = dict(kept.services)
        self.service_of = [one.service for one in kept.known]
        self.name_of = [one.name for one in kept.known]
        self.state.load(kept.columns)
        self._replace([Template([*one.words], one.first) for one in kept.known])

    def _row(self, at: int, line: MaskedLine) -> int:
        drain = self._drain(line.service)
        before = len(drain.templates)
        template = drain.template(line.text)
        if template is None:
            return -1
        if len(drain.templates) > before:
            self._row_of[id(template)] = len(self)
            self._templates.append(template)
            self.service_of.append(line.service)
            self.name_of.append("")
            self.state.grow(len(self))
            self.state["born"][-1] = at
        return self._row_of[id(template)]

    def _drain(self, service: str) -> Drain:
        """Returns the templates of a service; within a minute there may be more than are kept."""
        if service not in self._drains:
            self._drains[service] = Drain(most=2 * self._limits.most)
        return self._drains[service]

    def _count(self, at: int, found: Ints, there: Sequence[MaskedLine], lines: Ints) -> None:
        state, seen = self.state, lines > 0
        state["last"][seen] = at
        state["minutes"][:] += seen
        state["lines"][:] += lines
        for name in ("severe", "errors"):
            np.add.at(state[name], found, np.array([getattr(o, name) for o in there], np.int64))

    def _dropped_services(self, at: int) -> set[str]:
        """Forgets services that were idle for too long, or are too many; returns their names."""
        limits = self._limits
        idle = {n for n, one in self.services.items() if at - one.last > limits.idle_minutes}
        left = [
            (one.minutes, one.last, one.lines, name)
            for name, one in self.services.items()
            if name not in idle
        ]
        over = max(len(left) - limits.most_services, 0)
        gone = idle | {name for *_, name in sorted(left)[:over]}
        for name in gone:
            del self.services[name]
            self._drains.pop(name, None)
        return gone

    def _replace(self, templates: list[Template]) -> None:
        self._templates = templates
        self._row_of = {id(one): row for row, one in enumerate(templates)}
        each: dict[str, list[Template]] = {name: [] for name in self.services}
        for name, one in zip(self.service_of, templates, strict=True):
            each[name].append(one)
        self._drains = {}
        for name, mine in each.items():
            self._drain(name).replace(mine)
