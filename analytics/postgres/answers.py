"""Questions of all sessions, confined as those of the pages: some at once, each within limits."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from analytics.postgres import types
from analytics.postgres.catalog.catalog import Catalog
from analytics.postgres.messages import Column, Refused
from analytics.postgres.sql import rewriting
from analytics.postgres.sql.lexer import Token
from analytics.postgres.turns import Lane, Turns
from analytics.postgres.types import Written
from analytics.postgres.variables import Variables
from lakehouse.errors import LogpondError, SettingsError
from lakehouse.paths import Places
from lakehouse.query.ask import opened
from lakehouse.query.limits import too_long
from lakehouse.settings import Sql
from lakehouse.terminal.render import escaped

# For each question that is answered at once: how many answers may wait for clients to fetch more.
MOST_WAITING = 2
CALL = re.compile(r'"?(\w+)"?\(.*\)', re.DOTALL)
# DuckDB hands rows over in pieces of so many; they go out in larger ones.
PIECE_ROWS, SENT_ROWS, SENT_BYTES = 2048, 1 << 15, 4 << 20


@dataclass(frozen=True)
class Answer:
    """The rows of a statement, yet to be read; `kinds` are the types of its columns in DuckDB."""

    columns: list[Column]
    kinds: list[str]
    turns: Turns
    _relation: duckdb.DuckDBPyRelation

    def batches(self, written: Sequence[Written]) -> Iterator[pa.RecordBatch]:
        """Yields the rows with their columns as they go out, some thousands at a time."""
        with ThreadPoolExecutor(1) as thread:
            # the next rows are read while these are written and sent
            found = self._batches(written)
            coming = thread.submit(self._next, found)
            while (batch := coming.result()) is not None:
                coming = thread.submit(self._next, found)
                yield batch

    def _next(self, found: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
        with self.turns.next():
            return next(found, None)

    def _batches(self, written: Sequence[Written]) -> Iterator[pa.RecordBatch]:
        listed = ", ".join(f"{one.expression} AS c{at}" for at, one in enumerate(written))
        reader = self._relation.project(listed).to_arrow_reader(PIECE_ROWS)
        pieces: list[pa.RecordBatch] = []
        rows = size = 0
        for piece in reader:
            pieces.append(piece)
            rows, size = rows + piece.num_rows, size + piece.nbytes
            if rows >= SENT_ROWS or size >= SENT_BYTES:
                yield _whole(pieces)
                pieces, rows, size = [], 0, 0
        if rows:
            yield _whole(pieces)


@dataclass
class Answers:
    """What is being asked of one lake now."""

    places: Places
    limits: Sql
    at_once: int
    # those that wait for clients: any further one has to be read at once
    waiting: threading.Semaphore = field(init=False)
    _questions: Lane = field(init=False)
    # what tools look up at their start does not wait for long answers
    _lookups: Lane = field(init=False)
    _catalog: Catalog = field(init=False)

    def __post_init__(self) -> None:
        self.waiting = threading.Semaphore(self.most_waiting)
        self._questions, self._lookups = Lane(self.at_once), Lane(self.at_once)
        self._catalog = Catalog(self.places, self.limits)

    @property
    def most_waiting(self) -> int:
        """How many may be open and wait for their clients."""
        return self.at_once * MOST_WAITING

    @contextmanager
    def opened(self, tokens: Sequence[Token], variables: Variables) -> Iterator[Answer]:
        """Yields the answer to a statement that reads.

        Raises SettingsError for what it refuses, TableError for a table or a state that is not
        there, Busy where too many others ask.
        """
        sql = rewriting.rewritten(tokens)
        seconds = variables.seconds(self.limits.seconds)
        limits = self.limits.model_copy(update={"seconds": seconds})
        if rewriting.is_about_catalog(tokens):
            lane, source = self._lookups, self._catalog.opened(sql, variables.all())
        else:
            at, zone = variables.moment(), variables.get("timezone")
            lane, source = self._questions, opened(self.places, sql, at, limits, zone)
        try:
            with lane.admitted(limits) as turns, turns.first(), source as found:
                answer = _answer(found, sql, turns)
                turns.pause()
                yield answer
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise _in_words(error, limits) from error
        except SettingsError as error:
            raise _of_here(error, limits) from error


def _in_words(error: Exception, limits: Sql) -> LogpondError:
    text = escaped(str(error), keep="\n")
    return _of_here(too_long(limits) if "INTERRUPT" in text else SettingsError(text), limits)


def _of_here(error: SettingsError, limits: Sql) -> LogpondError:
    """Returns an error in words of this server, where it speaks of the command `logpond sql`."""
    if "Out of Memory" in error.what:
        # what DuckDB advises is not to be had here
        return Refused(
            "53200",
            f"the question needs more than {limits.memory_mb} MB of memory",
            "ask for less, of a shorter time or with a LIMIT; or raise [postgres] memory_mb, or "
            "temp_mb",
        )
    remedy = error.remedy.replace("[sql]", "[postgres]")
    remedy = remedy.partition(" that it names itself")[0].removesuffix(", and the data files")
    return SettingsError(error.what, remedy)


def _answer(found: duckdb.DuckDBPyRelation, sql: str, turns: Turns) -> Answer:
    kinds = [str(kind) for kind in found.types]
    names = [_named(name, sql) for name in found.columns]
    columns = [types.column(n, kind) for n, kind in zip(names, kinds, strict=True)]
    return Answer(columns, kinds, turns, found)


def _named(name: str, sql: str) -> str:
    """Returns a name as PostgreSQL has it: that of a function, where a column has no other."""
    call = CALL.fullmatch(name)
    if call is None or f'"{name}"' in sql or call[1] == "CAST":
        return name
    return "count" if call[1] == "count_star" else call[1]


def _whole(pieces: list[pa.RecordBatch]) -> pa.RecordBatch:
    return pieces[0] if len(pieces) == 1 else pa.concat_batches(pieces)
