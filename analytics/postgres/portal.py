"""A statement that is being answered: rows are taken from it, all at once or some at a time."""

from __future__ import annotations

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
    _open: AbstractContextManager[Answer] | None = None
    _answer: Answer | None = None
    _formats: list[int] = field(default_factory=list)
    _batches: Iterator[pa.RecordBatch] | None = None
    _left: pa.RecordBatch | None = None
    _encoder: Encoder | None = None

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
        self._batches, opened, self._open = iter(()), self._open, None
        if opened:
            opened.__exit__(None, None, None)

    def _opened(self) -> Answer:
        if self._answer is None:
            opening = self.answers.opened(self.tokens, self.variables)
            self._answer, self._open = opening.__enter__(), opening
        return self._answer

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Has what fails in the block said as whoever opened the answer says it."""
        try:
            yield
        except BaseException as error:
            self._batches, opened, self._open = iter(()), self._open, None
            if opened:
                opened.__exit__(type(error), error, error.__traceback__)
            raise

    def _begin(self, written: list[Written], encoder: Encoder, formats: list[int]) -> None:
        with self._in_words():
            self._batches = self._opened().batches(written)
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
        if self._left is not None:
            found, self._left = self._left, None
            return found
        assert self._batches is not None
        with self._in_words():
            return next(self._batches, None)
        return None
