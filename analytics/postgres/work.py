"""What statements do in a session: transactions, settings, cursors, rows, and copies of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from analytics.postgres import messages, rows, types
from analytics.postgres.answers import Answers
from analytics.postgres.connection import Connection
from analytics.postgres.messages import BINARY, TEXT, Column, Refused
from analytics.postgres.portal import Portal
from analytics.postgres.rows import Lines
from analytics.postgres.sql import configured
from analytics.postgres.sql.lexer import Token
from analytics.postgres.sql.statements import (
    BEGIN,
    COMMIT,
    DISCARD_ALL,
    ROLLBACK,
    Close,
    Copy,
    Declare,
    Fetch,
    Idle,
    Query,
    Savepoint,
    Set,
    Show,
    Statement,
    Transaction,
)
from analytics.postgres.variables import REPORTED, Variables
from lakehouse.terminal.times import NOW

IDLE, WITHIN, FAILED = b"I", b"T", b"E"
MOST_CURSORS = 16
DONE = b"C"
NOT_WITHIN = Refused(
    "25P01", "SET LOCAL can only be used in transaction blocks: it had no effect", "BEGIN, or SET"
)


@dataclass
class Work:
    """Carries out statements, and sends what comes of them."""

    connection: Connection
    answers: Answers
    variables: Variables
    status: bytes = IDLE
    # Several statements of one request are a transaction.
    is_many: bool = False
    _cursors: dict[str, Portal] = field(default_factory=dict)

    def execute(self, statement: Statement, described: bool, formats: Sequence[int] = ()) -> None:
        """Carries out one statement. With `described` the columns of rows are sent before them."""
        if isinstance(statement, Transaction):
            self._transaction(statement.tag)
            return
        if isinstance(statement, Savepoint):
            self._savepoint(statement)
            return
        self._check()
        if isinstance(statement, Query):
            portal = self.portal(statement.tokens, [])
            try:
                self._configure(portal)
                self._described(portal, formats if not described else ())
                self.send_rows(portal, formats, 0)
            finally:
                portal.close()
        elif isinstance(statement, Fetch):
            self._fetch(statement, described, formats)
        elif isinstance(statement, Copy):
            self._copy(statement)
        elif isinstance(statement, Show):
            self._show(statement.name, described)
        else:
            self._set_or_close(statement)

    def columns(self, statement: Statement | None) -> list[Column] | None:
        """Returns the columns of what a statement sends; None where it sends no rows."""
        if isinstance(statement, Fetch):
            return self.cursor(statement.name).columns
        if isinstance(statement, Show):
            names = (
                ["name", "setting", "description"] if statement.name == "all" else [statement.name]
            )
            return [Column(name, types.TEXT, -1) for name in names]
        return None

    def portal(self, tokens: Sequence[Token], kinds: list[str]) -> Portal:
        """Returns what answers a statement; nothing is asked yet."""
        return Portal(self.answers, self.variables, tokens, kinds)

    def send_rows(self, portal: Portal, formats: Sequence[int], most: int) -> None:
        """Sends rows of an answer, so many at most, or all of them."""
        self._check()
        self._configure(portal)
        self._hold()
        if most:
            portal.wait()
        if not portal.is_done:
            portal.as_rows(formats)
        for found in portal.take(most) if not portal.is_done else ():
            self.connection.send(found)
        if portal.is_done:
            self._done(f"SELECT {portal.sent}")
        else:
            self.connection.send(messages.message(messages.SUSPENDED))

    def failed(self) -> None:
        """A statement failed: a transaction has to be ended before anything else is asked."""
        if self.status == WITHIN:
            self.status = FAILED

    def ready(self, has_failed: bool) -> None:
        """All of a request was answered: outside of a transaction it was one of its own."""
        self.is_many = False
        if self.status == IDLE:
            with self._reporting():
                self.variables.end(not has_failed)

    def rest(self) -> None:
        """Lets go of cursors that were asked about alone, where too many answers wait."""
        for cursor in self._cursors.values():
            cursor.rest()

    def close(self) -> None:
        """Ends the questions of cursors that are still open."""
        for cursor in self._cursors.values():
            cursor.close()
        self._cursors.clear()

    def _described(self, portal: Portal, formats: Sequence[int]) -> None:
        columns = portal.columns
        self.connection.send(messages.row_description(columns, portal.formats(formats)))

    def _done(self, tag: str) -> None:
        self.connection.send(messages.texts(DONE, tag))

    def _check(self) -> None:
        if self.status == FAILED:
            raise Refused(
                "25P02", "the transaction has failed: nothing is answered in it", "ROLLBACK"
            )

    def _hold(self) -> None:
        """Has a transaction read one state of the past all through, also one relative to now."""
        if self.status == WITHIN and self.variables.held is None:
            moment = self.variables.moment()
            self.variables.held = moment if moment != NOW else None

    def _transaction(self, tag: str) -> None:
        if tag == BEGIN:
            self.status = WITHIN if self.status == IDLE else self.status
        else:
            tag = ROLLBACK if self.status == FAILED and tag == COMMIT else tag
            self.status = IDLE
            with self._reporting():
                self.variables.end(tag == COMMIT)
            self.close()
        self._done(tag)

    def _savepoint(self, asked: Savepoint) -> None:
        """Settings go back to what they were there; tables are only read anyway."""
        if asked.tag != ROLLBACK:
            self._check()
        if self.status == IDLE:
            raise Refused("25P01", f"{asked.tag} of a savepoint is part of a transaction", "BEGIN")
        if asked.tag == ROLLBACK:
            with self._reporting():
                self.variables.back_to(asked.name)
            # what failed came after it
            self.status = WITHIN
        elif asked.tag == "RELEASE":
            self.variables.release(asked.name)
        else:
            self.variables.save(asked.name)
        self._done(asked.tag)

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Tells the client which of its settings change in the block."""
        before = self.variables.reported()
        yield
        for name, value in self.variables.reported().items():
            if value != before[name]:
                self.connection.send(messages.texts(b"S", REPORTED[name], value))

    def _assign(self, asked: Set) -> None:
        with self._reporting():
            self.variables.set(asked.name, asked.value, asked.is_local)
        if asked.is_local and self.status == IDLE and not self.is_many:
            self.connection.send(messages.warning(NOT_WITHIN))

    def _configure(self, portal: Portal) -> None:
        """Sets what a statement sets by a function, once."""
        if not portal.is_configured:
            portal.is_configured = True
            for one in configured.settings(portal.tokens):
                self._assign(one)

    def _fetch(self, asked: Fetch, described: bool, formats: Sequence[int]) -> None:
        cursor = self.cursor(asked.name)
        self._configure(cursor)
        self._hold()
        if asked.count:
            cursor.wait()
        if described:
            self._described(cursor, ())
        if cursor.is_done:
            self._done("FETCH 0")
            return
        cursor.as_rows(formats)
        for found in cursor.take(asked.count):
            self.connection.send(found)
        self._done(f"FETCH {cursor.sent}")

    def cursor(self, name: str) -> Portal:
        """Returns a cursor. Raises Refused where it is not declared."""
        if name not in self._cursors:
            raise Refused("34000", f'cursor "{name[:64]}" does not exist', "DECLARE it first")
        return self._cursors[name]

    def _copy(self, asked: Copy) -> None:
        portal = self.portal(asked.tokens, [])
        self._configure(portal)
        self._hold()
        try:
            columns = len(portal.columns)
            if asked.format == "binary":
                portal.as_rows([BINARY], is_copy=True)
                self.connection.send(messages.copy_out(columns, BINARY))
                self._copy_tuples(portal)
            else:
                lines = Lines(asked.delimiter, asked.null, asked.format == "csv")
                portal.as_lines(lines)
                self.connection.send(messages.copy_out(columns, TEXT))
                if asked.header:
                    self.connection.send(lines.head([one.name for one in portal.columns]))
                for found in portal.take():
                    self.connection.send(found)
        finally:
            portal.close()
        self.connection.send(messages.message(messages.COPY_DONE))
        self._done(f"COPY {portal.sent}")

    def _copy_tuples(self, portal: Portal) -> None:
        head = rows.COPY_HEAD
        for found in portal.take():
            if head:
                # in one message with the first tuple, as clients expect it
                first = messages.INT32.unpack(found[1:5])[0] + 1
                self.connection.send(messages.message(b"d", head + found[5:first]))
                found, head = found[first:], b""
            self.connection.send(found)
        self.connection.send(messages.message(b"d", head + rows.COPY_END))

    def _show(self, name: str, described: bool) -> None:
        columns = self.columns(Show(name))
        assert columns
        found = (
            [[one, value, ""] for one, value in self.variables.all().items()]
            if name == "all"
            else [[self.variables.get(name)]]
        )
        if described:
            self.connection.send(messages.row_description(columns, [TEXT] * len(columns)))
        for values in found:
            self.connection.send(messages.data_row(values))
        self._done("SHOW")

    def _set_or_close(self, statement: Statement) -> None:
        if isinstance(statement, Set):
            self._assign(statement)
            self._done(statement.tag)
        elif isinstance(statement, Declare):
            if len(self._cursors) >= MOST_CURSORS:
                raise Refused("54000", f"{MOST_CURSORS} cursors are open already", "CLOSE one")
            if statement.name in self._cursors:
                raise Refused("42P03", f'cursor "{statement.name}" exists already', "CLOSE it")
            self._cursors[statement.name] = self.portal(statement.tokens, [])
            self._done("DECLARE CURSOR")
        elif isinstance(statement, Close):
            names = [*self._cursors] if statement.name == "all" else [statement.name]
            for name in names:
                self.cursor(name).close()
                del self._cursors[name]
            self._done("CLOSE CURSOR")
        elif isinstance(statement, Idle):
            if statement.tag == DISCARD_ALL:
                self._discard()
            self._done(statement.tag)

    def _discard(self) -> None:
        if self.status != IDLE:
            what = f"{DISCARD_ALL} cannot run inside a transaction block"
            raise Refused("25001", what, "COMMIT or ROLLBACK first")
        self.close()
        self._assign(Set("all", None))
