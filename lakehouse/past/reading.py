"""What is known of the commits of a table: the ledger, and the log behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lakehouse.past.condition import condition
from lakehouse.past.entry import COLUMNS, MODULUS, UNSEEN, Entry, Removal, as_table, removal
from lakehouse.past.fold import drafts
from lakehouse.past.ledger import BEFORE, Ledger
from lakehouse.past.spans import Spans
from lakehouse.paths import Places
from lakehouse.store import data_files
from lakehouse.store.log import Log
from lakehouse.store.timeline import Timeline

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Files = tuple[frozenset[str], frozenset[str], int, int]


@dataclass
class Reading:
    """The commits of a table up to `last`, the version at which it was opened."""

    ledger: Ledger
    last: int
    spans: Spans
    tail: list[Entry] = field(default_factory=list)

    @classmethod
    def of(cls, places: Places, name: str, at: DeltaTable) -> Reading:
        """Returns what is known. Raises Moved where another process moves the ledger on."""
        ledger = Ledger(places, name, str(at.metadata().id))
        spans = ledger.spans()
        if ledger.last > at.version():
            return cls(ledger, -1, spans)  # the table went back behind its ledger
        found = drafts(ledger, Log(places, name), at, spans, at.version())
        return cls(ledger, at.version(), spans, [draft.entry for draft in found])

    @property
    def first(self) -> int | None:
        """The oldest version that is known; None where nothing is known of what the log lacks."""
        if self.last < 0 or (self.tail and self.tail[0].operation == UNSEEN):
            return None
        return self.tail[0].version if self.ledger.first is None else self.ledger.first

    def has(self, version: int) -> bool:
        """Whether a version is known."""
        return self.first is not None and self.first <= version <= self.last

    def entries(self, first: int, last: int, columns: Sequence[str]) -> pa.Table:
        """Returns the entries of versions `first` to `last`, in order."""
        tail = self._tail.select([*columns])
        is_within = pc.and_(
            pc.greater_equal(self._tail["version"], first),
            pc.less_equal(self._tail["version"], last),
        )
        return pa.concat_tables([self.ledger.entries(first, last, columns), tail.filter(is_within)])

    def removals(self) -> list[Removal]:
        """Returns what took rows away, in order."""
        return [*self.ledger.totals().removals, *(one for e in self.tail for one in removal(e))]

    def time(self, version: int) -> datetime:
        """Returns when a version was made."""
        return self._timeline.time(version)

    def version_at(self, as_of: datetime) -> int | None:
        """Returns the version that was current at a time; None before the first that is known."""
        if self.first is None or as_of < self._timeline.time(self.first):
            return None
        return self._timeline.at(as_of)

    def newest_date(self, version: int) -> int | None:
        """Returns the last date among the rows of a version, also of those that are gone."""
        before = self._before(version)
        rows = self.entries(before[2], version, ("newest",))
        return max(filter(None, (before[1], pc.max(rows["newest"]).as_py())), default=None)

    def sums(self, version: int) -> tuple[int | None, int | None]:
        """Returns rows and checksum of a version; None where one is not known."""
        totals, _, since = self._before(version)
        names = ("rows", "gone", "checksum", "gone_checksum")
        rows = self.entries(since, version, names)
        count = _sum(totals[0], rows["rows"], rows["gone"])
        checksum = _sum(totals[1], rows["checksum"], rows["gone_checksum"])
        return count, None if checksum is None else checksum % MODULUS

    def files(self, at: DeltaTable, version: int) -> Files:
        """Returns the files of the newest version that have only rows of another, and some such.

        The latter have rows of versions from the first to the second number that is returned.
        """
        whole, in_part, since, until = set[str](), set[str](), version + 1, version
        for path in data_files(at)["path"].to_pylist():
            span = self.spans.of(path)
            if span.last <= version:
                whole.add(path)
            elif span.first <= version:
                in_part.add(path)
                since, until = min(since, span.first), max(until, span.last)
        return frozenset(whole), frozenset(in_part), since, until

    def condition(self, version: int, since: int, until: int) -> str | None:
        """Returns SQL for rows of versions up to one, among rows of versions `since` to `until`.

        None where commits cannot be told apart.
        """
        names = ("version", "writer", "batch", "rows")
        return condition(self.entries(since, until, names), version)

    @cached_property
    def _tail(self) -> pa.Table:
        return as_table(self.tail) if self.tail else COLUMNS.empty_table()

    @cached_property
    def _timeline(self) -> Timeline:
        assert self.first is not None
        rows = self.entries(self.first, self.last, ("version", "time"))
        versions, times = rows["version"].combine_chunks(), rows["time"]

        def stamped(version: int) -> datetime | None:
            place = versions.to_numpy().searchsorted(version)
            found = times[int(place)].as_py() if place < len(versions) else None
            return None if found is None else EPOCH + timedelta(microseconds=found)

        return Timeline(self.first, self.last, stamped, datetime.now(UTC))

    def _before(self, version: int) -> tuple[tuple[int | None, int | None], int | None, int]:
        """Returns rows and checksum, the last date, and where to add to these from."""
        segment = self.ledger.segment_of(version)
        if segment is None:
            totals, since = self.ledger.totals(), self.ledger.last + 1
        else:
            totals, since = self.ledger.totals(segment, BEFORE), segment.first
        return (totals.rows, totals.checksum), totals.newest, since


def _sum(total: int | None, more: pa.ChunkedArray, less: pa.ChunkedArray) -> int | None:
    if total is None or more.null_count or less.null_count:
        return None
    return int(total + sum(more.to_pylist()) - sum(less.to_pylist()))
