"""The data files of a table as they are, next to those that a proof has: came, went, changed."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from urllib.parse import unquote

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from lakehouse.duck import Pinned, connect
from lakehouse.errors import TableError
from lakehouse.ingest.remedies import taking_again
from lakehouse.paths import Places
from lakehouse.proof.chain import Newest
from lakehouse.proof.contents import ENGINE, NOTHING, Question, Rows, contents, total
from lakehouse.proof.proved import DataFile, Proof, Stamp, TableState
from lakehouse.proof.stamps import digests, settled, stamps
from lakehouse.store import objects
from lakehouse.store.whole import not_whole, refuse_altered

# What was read of files, by their paths.
Looked = Mapping[str, Rows]
DATE = re.compile(r"(?:^|/)date=(\d{4}-\d\d-\d\d)/")


@dataclass(frozen=True)
class Inventory:
    """The files of a table at its opened version, by path; `known` are those of a proof of it.

    Stamps were taken at `taken` [ns since 1970], before anything else of the files was read: what
    is changed meanwhile shows the next time.
    """

    places: Places
    name: str
    state: TableState
    pinned: Pinned
    paths: list[str]
    stamps: Mapping[str, Stamp]
    taken: int
    known: Mapping[str, DataFile] = field(default_factory=dict)
    refusal: str = ""
    hashed: Mapping[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        places: Places,
        at: tuple[str, DeltaTable],
        newest: Newest,
    ) -> Inventory:
        """Returns the files of a table (by its name) as it was opened, beside those of a proof.

        `refusal` says why its rows cannot be compared with those of the proof.
        """
        (name, table), proof, files = at, newest.proof, newest.files
        columns = sorted(one.name for one in table.schema().fields)
        state = TableState(id=str(table.metadata().id), version=table.version(), columns=columns)
        pinned, taken = Pinned.of(name, places.table(name), table), time.time_ns()
        paths = [unquote(path) for path in pinned.adds["path"].to_pylist()]
        known = files.get(name, {}) if proof and _is_of(proof, name, state) else {}
        there = stamps(places, name, paths)
        why = "" if proof is None else _refusal(proof, name, state)
        return cls(places, name, state, pinned, paths, there, taken, known, why)

    @property
    def added(self) -> list[str]:
        """The files that the proof does not have."""
        return [path for path in self.paths if path not in self.known]

    @property
    def removed(self) -> dict[str, DataFile]:
        """The files of the proof that are not in the table any more."""
        there = {*self.paths}
        return {path: one for path, one in self.known.items() if path not in there}

    @property
    def settled(self) -> set[str]:
        """The files of which all is as it was proved, as far as can be seen from outside."""
        return {
            path
            for path, stamp in self.stamps.items()
            if path in self.known and self.known[path].stamp == stamp
        }

    def dates(self) -> set[date | None]:
        """The dates of files that came or went; None where the path of one does not say it."""
        found = (DATE.search(path) for path in (*self.added, *self.removed))
        return {date.fromisoformat(one[1]) if one else None for one in found}

    def look(
        self,
        connection: duckdb.DuckDBPyConnection,
        question: Question,
        all_rows: bool = False,
    ) -> Looked:
        """Returns the rows of the files that came since the proof, or of all."""
        read = self.paths if all_rows else self.added
        return contents(connection, self.only(read), self.state.columns, question)

    def only(self, paths: Collection[str]) -> Pinned:
        """Returns some of the files, to be read."""
        wanted = {*paths}
        return self.pinned.only(pa.array([path in wanted for path in self.paths], pa.bool_()))

    def hash(self, at: DeltaTable, everything: bool) -> Inventory:
        """Returns the same with hashes of the files that came, or look as if they had changed.

        With `everything` of all. Raises TableError where a file is gone, has another size than was
        written, or is not the one that was proved. Of an object in a bucket that has another tag
        than it had, the rows are compared.
        """
        gone = [path for path in self.paths if path not in self.stamps]
        settled_ones = self.settled
        found = not_whole(self.places, self.name, at, settled_ones)
        again = partial(taking_again, self.places, [self.name])
        refuse_altered(self.name, gone or [path for path, _ in found], again)
        others = [path for path in self.paths if path not in settled_ones]
        if objects.folder(self.places.table(self.name)) is None:
            hashed, altered = dict.fromkeys(others, b""), self._other_rows(others)
        else:
            hashed = digests(self.places, self.name, self.paths if everything else others)
            altered = [p for p, of in hashed.items() if p in self.known and self._is_other(p, of)]
        if altered:
            raise _altered(self.name, altered, again())
        return replace(self, hashed=hashed)

    def is_rewritten(self, looked: Looked) -> bool:
        """Whether rows that were proved are all there once, in whatever files.

        All others that came are new.
        """
        gone = total((one.rows, one.checksum) for one in self.removed.values())
        added = (looked.get(path, NOTHING) for path in self.added)
        return gone == total((one.old_rows, one.old_checksum) for one in added)

    def proved(self, looked: Looked) -> dict[str, DataFile]:
        """Returns the files for the next proof, where nothing is wrong.

        Those with rows that it does not prove, as they are in flight, are left out.
        """
        found: dict[str, DataFile] = {}
        for path, stamp in self.stamps.items():
            known, rows = self.known.get(path), looked.get(path)
            digest = self.hashed.get(path, known.digest if known else None)
            if rows is None and known is not None:
                rows = Rows(known.rows, known.checksum)
            if digest is not None and rows is not None and not rows.unproved:
                noted = settled(stamp, self.taken)
                found[path] = DataFile(noted, digest, rows.rows, rows.checksum)
        return found

    def _is_other(self, path: str, digest: bytes) -> bool:
        return self.known[path].digest != digest

    def _other_rows(self, paths: Sequence[str]) -> list[str]:
        """Returns the known ones of these files whose rows are not the proved ones."""
        known = [path for path in paths if path in self.known]
        if self.refusal or not known:
            return []
        try:
            with connect() as connection:
                found = contents(connection, self.only(known), self.state.columns)
        except (duckdb.Error, pa.ArrowException, OSError):
            return known
        of = {path: (self.known[path].rows, self.known[path].checksum) for path in known}
        return [path for path in known if found.get(path, NOTHING)[:2] != of[path]]


def _altered(name: str, files: Sequence[str], again: str) -> TableError:
    return TableError(
        f"table {name} is not as it was proved: the bytes of {len(files)} of its data files were "
        f"changed, as of {files[0]}",
        "put back what a copy of the lake has; or move it aside, then `logpond recover tables`; "
        f"what was in it comes again by {again}",
    )


def _is_of(proof: Proof, name: str, state: TableState) -> bool:
    return name in proof.tables and proof.tables[name].id == state.id


def _refusal(proof: Proof, name: str, state: TableState) -> str:
    known = proof.tables.get(name)
    if known is None or known.id != state.id:
        return f"table {name} is another one"
    if known.version > state.version:
        return f"it has version {known.version} of table {name}, which has {state.version} now"
    if proof.engine != ENGINE or known.columns != state.columns:
        return f"table {name} has other columns, or checksums are made in another way since"
    return ""
