"""A statement that is being answered: rows are taken from it, all at once or some at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import pyarrow as pa

from analytics.postgres import types
from analytics.postgres.answers import Answer, Answers
from analytics.postgres.messages import BINARY, TEXT, Column, Refused
from analytics.postgres.rows import Lines, Rows
from analytics.postgres.sql.lexer import Token
from analytics.postgres.types import Written
from analytics.postgres.variables import Variables
from lakehouse.http.asker import asker

# What DuckDB itself ends is said to be too long before this is.
GRACE_SECONDS = 0.3
Encoder = Rows | Lines


@dataclass
class Portal:
    """The rows of a statement. It is opened once something is asked of it, and has to be closed.

    `kinds` are the types that its columns were said to have, before its parameters had values.
    """

    answers: Answers
    variables: Variables
    tokens: Sequence[Token]
    kinds: list[str] = field(default_factory=list)
    sent: int = 0
    is_done: bool = False
    is_configured: bool = False
    _open: AbstractContextManager[Answer] | None = None
    _answer: Answer | None = None
    _formats: list[int] = field(default_factory=list)
    _batches: Iterator[pa.RecordBatch] | None = None
    _left: pa.RecordBatch | None = None
    _encoder: Encoder | None = None
    _timer: threading.Timer | None = None
    _is_waiting: bool = False
    # whoever ends what is overdue does so in another thread
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def columns(self) -> list[Column]:
        """The columns of its rows."""
        answer = self._opened()
        kinds = self.kinds or answer.kinds
        return [
            types.column(one.name, kind) for one, kind in zip(answer.columns, kinds, strict=True)
        ]

    @property
    def duck_kinds(self) -> list[str]:
        """The types of its columns in DuckDB's words."""
        return self._opened().kinds

    @property
    def is_open(self) -> bool:
        """Whether it holds an answer that is not read to its end."""
        return self._answer is not None and not self.is_done

    def formats(self, wanted: Sequence[int]) -> list[int]:
        """Returns the format of each column: of one that is wanted, the same for all."""
        columns = len(self.columns)
        if len(wanted) > 1 and len(wanted) != columns:
            raise Refused("08P01", f"{len(wanted)} formats are given for {columns} columns")
        return [*wanted] if len(wanted) > 1 else [*(wanted or [TEXT])] * columns

    def as_rows(self, wanted: Sequence[int], is_copy: bool = False) -> None:
        """Has rows written as messages, or as tuples of a binary COPY."""
        formats = self.formats(wanted)
        if self._batches is None:
            written = self._written(formats)
            self._begin(written, Rows(written, is_copy), formats)
        elif formats != self._formats:
            raise Refused("0A000", "a cursor has one format for all of its rows")

    def as_lines(self, lines: Lines) -> None:
        """Has rows written as lines of text."""
        formats = self.formats([TEXT])
        self._begin(self._written(formats), lines, formats)

    def take(self, most: int = 0) -> Iterator[memoryview]:
        """Yields the next rows as bytes, so many at most, or all; `sent` says how many."""
        self.sent = 0
        assert self._encoder
        while not most or self.sent < most:
            batch = self._next()
            if batch is None:
                self.is_done = True
                self.close()
                return
            wanted = most - self.sent if most else batch.num_rows
            if batch.num_rows > wanted:
                batch, self._left = batch.slice(0, wanted), batch.slice(wanted)
            self.sent += batch.num_rows
            yield self._encoder.encode(batch)

    def close(self) -> None:
        """Ends its question. May be called again."""
        with self._lock:
            if self._answer and self._open and not self.is_done:
                self._answer.turns.leave()
            self._release()

    def wait(self) -> None:
        """Takes a place for as long as it waits for its client between rows.

        Raises Refused where too many others wait.
        """
        if not self._waits():
            most = self.answers.most_waiting
            raise Refused(
                "53000",
                f"{most} answers are open already, each waiting for its client to fetch more",
                "fetch all rows at once, or try again when others are done; CLOSE what is read",
            )

    def rest(self) -> None:
        """Lets go of an answer of which nothing was read, if there is no place to wait with it.

        It is opened again once rows are wanted.
        """
        with self._lock:
            if self.is_open and self._batches is None and not self._waits():
                self.close()
                self._answer = self._batches = None

    def _waits(self) -> bool:
        """Whether it has a place to wait, or needs none."""
        with self._lock:
            if not (self._is_waiting or self.is_done):
                self._is_waiting = self.answers.waiting.acquire(blocking=False)
            return self._is_waiting or self.is_done

    def _release(self, error: BaseException | None = None) -> None:
        """Closes the answer, of which an error is said in its own words."""
        if self._timer:
            self._timer.cancel()
        if self._is_waiting:
            self._is_waiting = False
            self.answers.waiting.release()
        self._batches, self._left = iter(()), None
        opened, self._open = self._open, None
        if opened and error:
            opened.__exit__(type(error), error, error.__traceback__)
        elif opened:
            opened.__exit__(None, None, None)

    def _opened(self) -> Answer:
        with self._lock:
            if self._answer is None:
                opening = self.answers.opened(self.tokens, self.variables)
                try:
                    self._answer, self._open = opening.__enter__(), opening
                except BaseException:
                    self._release()
                    raise
                seconds = self._answer.turns.limits.seconds + GRACE_SECONDS
                self._timer = threading.Timer(seconds, self._expire, (self._answer,))
                self._timer.daemon = True
                self._timer.start()
            return self._answer

    def _expire(self, answer: Answer) -> None:
        """Ends an answer that is still open after its time, whatever its client does."""
        answer.turns.expire()
        with self._lock:
            if self._answer is answer:
                self._release()

    @contextmanager
    def _working(self) -> Iterator[Answer]:
        """Yields the answer. What fails in the block closes it, and is said in its words."""
        answer = self._opened()
        with self._lock:
            try:
                with asker().calling(answer.turns.leave):
                    if answer.turns.is_over:
                        raise answer.turns.overdue()
                    yield answer
            except BaseException as error:
                if answer.turns.is_over:
                    self._release()
                    raise answer.turns.overdue() from error
                self._release(error)
                raise

    def _begin(self, written: list[Written], encoder: Encoder, formats: list[int]) -> None:
        with self._working() as answer:
            self._batches = answer.batches(written)
        self._encoder, self._formats = encoder, formats

    def _written(self, formats: Sequence[int]) -> list[Written]:
        found = []
        kinds = self._opened().kinds
        for at, (column, form) in enumerate(zip(self.columns, formats, strict=True), 1):
            kind = self.kinds[at - 1] if self.kinds else kinds[at - 1]
            place = f"#{at}" if kind == kinds[at - 1] else f"CAST(#{at} AS {kind})"
            found.append(types.written(f"({place})", column, BINARY if form else TEXT))
        return found

    def _next(self) -> pa.RecordBatch | None:
        with self._working():
            found, self._left = self._left, None
            return found if found is not None else next(self._batches or iter(()), None)
