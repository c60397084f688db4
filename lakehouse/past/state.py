"""A table as it was at a version, as a value that every reader takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lakehouse.duck.view import Cut, Pinned
from lakehouse.terminal.render import escaped
from lakehouse.terminal.times import rendered


@dataclass(frozen=True)
class Past:
    """Which rows of the newest version were there at an older one, as the ledger has it.

    Files `whole` have only such rows, those `in_part` others too: theirs are the ones `where` (SQL
    of both engines). `everywhere` returns such a condition for all files. `rows` and `checksum` are
    those of then, None where not known, or where `retain` has deleted some since: all of dates
    before `kept_from`, and those of single rules before their own dates, in `kept_by_rule`.
    """

    time: datetime
    whole: frozenset[str]
    in_part: frozenset[str]
    where: str
    everywhere: Callable[[], str] = field(compare=False, repr=False)
    rows: int | None = None
    checksum: int | None = None
    kept_from: date | None = None
    kept_by_rule: Mapping[str, date] = field(default_factory=dict)

    @property
    def missing(self) -> str:
        """Which of its rows `retain` has deleted since, for a person; empty where it has none."""
        whole = [f"its rows of before {self.kept_from}"] if self.kept_from else []
        by_rule = [_gone_by(rule, day) for rule, day in self.kept_by_rule.items()]
        return ", ".join([*whole, *by_rule])


@dataclass(frozen=True)
class State:
    """A table at a version: `table` is opened there, or at its newest where `past` is set.

    With `is_recount` it is a rollup whose windows of then are gone: they are counted from `logs`.
    """

    name: str
    table: DeltaTable
    version: int
    past: Past | None = None
    is_recount: bool = False

    @classmethod
    def of(cls, name: str, table: DeltaTable) -> State:
        """Returns the state of a table at the version at which it is opened."""
        return cls(name, table, table.version())

    def pinned(self, root: str) -> Pinned:
        """Returns the files of the state, and which of their rows are its own."""
        found = Pinned.of(self.name, root, self.table)
        if self.past is None:
            return found
        whole, in_part = self.past.whole, self.past.in_part
        wanted = pc.is_in(found.adds["path"], pa.array(sorted(whole | in_part), pa.string()))
        cut = Cut(in_part, self.past.where) if in_part else None
        return replace(found.only(wanted), cut=cut)

    def rows(self, root: str) -> int | None:
        """Returns how many rows it has, by the log or the ledger; None where neither says it."""
        if self.past is None or not self.past.in_part:
            return self.pinned(root).rows()
        return None if self.past.missing else self.past.rows

    @property
    def source(self) -> str:
        """Returns what the state is read from, and what is missing of it, for a person."""
        if self.is_recount:
            return f"{self.name}: all windows are counted again, from logs as of then"
        if self.past is None:
            return f"{self.name}: version {self.version}, as Delta keeps it"
        text = (
            f"{self.name}: version {self.version} of {rendered(self.past.time)}, from the rows of "
            "now by the ledger of commits"
        )
        missing = self.past.missing
        return f"{text}; {missing} are deleted since (retain)" if missing else text


def _gone_by(rule: str, day: date) -> str:
    """Returns which rows of a state a rule of retention took, for a person."""
    if rule.startswith("table "):
        return f"rows of before {day} whose service and source have no rule of their own"
    return f"rows of {escaped(rule)} before {day}"
