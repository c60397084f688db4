"""One client's session: it logs in, then each of its messages is answered in turn."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from analytics.postgres import messages
from analytics.postgres.connection import Connection, Left
from analytics.postgres.messages import Malformed, Reader, Refused
from analytics.postgres.portal import Portal
from analytics.postgres.sql import lexer, parameters, statements
from analytics.postgres.sql.lexer import Token
from analytics.postgres.sql.statements import Query, Statement
from analytics.postgres.work import Work
from lakehouse.errors import LogpondError
from lakehouse.http.asker import ASKER, Asker, Gone

LOG = logging.getLogger("logpond.audit")
MOST_PREPARED, MOST_PREPARED_BYTES = 1000, 16 << 20
CANCELLED = Refused("57014", "canceling statement due to user request")


@dataclass
class Prepared:
    """A statement with the types of its parameters; once it was described, of its columns too."""

    tokens: list[Token]
    statement: Statement | None
    oids: list[int]
    kinds: list[str] = field(default_factory=list)
    size: int = 0


@dataclass
class Bound:
    """A prepared statement with values; `formats` are those of its columns."""

    statement: Statement | None
    formats: list[int]
    portal: Portal | None = None
    is_done: bool = False


class Session:
    """What a client has said, and what follows from it; it is over once `run` returns."""

    def __init__(self, connection: Connection, work: Work) -> None:
        self._connection, self._work = connection, work
        self._prepared: dict[str, Prepared] = {}
        self._bound: dict[str, Bound] = {}
        self._skips = self._has_failed = False
        self._asker: Asker | None = None
        self._is_cancelled = False

    @property
    def is_asking(self) -> bool:
        """Whether something is being answered now."""
        return self._asker is not None

    def cancel(self, is_gone: bool = False) -> None:
        """Ends what is being answered, from any thread; a client that is gone is told nothing."""
        asker = self._asker
        if asker:
            self._is_cancelled = not is_gone
            asker.leave()

    def run(self) -> None:
        """Answers messages until the client leaves."""
        try:
            self._connection.send(messages.message(messages.READY, self._work.status))
            self._connection.flush()
            while True:
                kind, body = self._connection.message()
                if kind == b"X":
                    return
                if kind not in HANDLERS:
                    raise Malformed(f"there is none of kind {kind!r}")
                self._answer(kind, Reader(body))
        finally:
            self._close_all()
            self._work.close()

    def _answer(self, kind: bytes, body: Reader) -> None:
        """Answers a message; after a fault all are left out until the next Sync."""
        if self._skips and kind != b"S":
            return
        self._asker, self._is_cancelled = Asker(), False
        token = ASKER.set(self._asker)
        try:
            HANDLERS[kind](self, body)
        except (Left, Malformed):
            raise
        except Exception as error:
            self._fail(kind, error)
        finally:
            ASKER.reset(token)
            self._asker = None
        if kind in (b"S", b"Q"):
            self._ready()

    def _fail(self, kind: bytes, error: Exception) -> None:
        if isinstance(error, Gone) or not isinstance(error, LogpondError):
            if not self._is_cancelled:
                LOG.error("a question failed: %s", repr(error)[:500])
            error = Refused("XX000", "the server failed to answer this", "its log says why")
        self._connection.send(messages.error(CANCELLED if self._is_cancelled else error))
        self._work.failed()
        self._skips, self._has_failed = kind != b"Q", True

    def _ready(self) -> None:
        if self._work.status == b"I":
            self._close_all()
        self._rest()
        self._work.ready(self._has_failed)
        self._skips = self._has_failed = False
        self._connection.send(messages.message(messages.READY, self._work.status))
        self._connection.flush()

    def _rest(self) -> None:
        """The client is waited for: answers that it has not begun to read may make room."""
        self._work.rest()
        for one in self._bound.values():
            if one.portal:
                one.portal.rest()

    def _close_all(self) -> None:
        for one in self._bound.values():
            if one.portal:
                one.portal.close()
        self._bound.clear()

    def _simple(self, body: Reader) -> None:
        sql = body.text()
        body.end()
        found = lexer.split(sql)
        if not found:
            self._connection.send(messages.message(messages.EMPTY))
        self._work.is_many = len(found) > 1
        for tokens in found:
            statement = statements.recognised(tokens)
            self._work.execute(statement, described=True)
            self._forget(statement)

    def _parse(self, body: Reader) -> None:
        name, sql = body.text(), body.text()
        oids = [body.int32() for _ in range(body.count())]
        body.end()
        found = lexer.split(sql)
        if len(found) > 1:
            raise Refused("42601", "a prepared statement is one statement")
        tokens = found[0] if found else []
        statement = statements.recognised(tokens) if tokens else None
        missing = parameters.count(tokens) - len(oids)
        oids += [0] * missing
        held = sum(one.size for one in self._prepared.values())
        if len(self._prepared) >= MOST_PREPARED or held + len(sql) > MOST_PREPARED_BYTES:
            raise Refused("54000", "too many statements are prepared", "DEALLOCATE ALL")
        self._prepared[name] = Prepared(tokens, statement, oids, size=len(sql))
        self._connection.send(messages.message(messages.PARSED))

    def _bind(self, body: Reader) -> None:
        name, prepared = body.text(), self._named(body.text())
        forms = [body.int16() for _ in range(body.count())]
        values: list[str | None] = []
        count = body.count()
        if len(forms) not in (0, 1, count) or count != len(prepared.oids):
            raise Refused("08P01", f"{count} values are given for {len(prepared.oids)} parameters")
        for at, oid in enumerate(prepared.oids):
            form = forms[at if len(forms) > 1 else 0] if forms else 0
            size = body.int32()
            value = None if size == -1 else body.take(size)
            values.append(None if value is None else parameters.text(value, oid, form))
        formats = [body.int16() for _ in range(body.count())]
        body.end()
        self._close_bound(name)
        self._bound[name] = self._made(prepared, values, formats)
        self._connection.send(messages.message(messages.BOUND))

    def _made(self, prepared: Prepared, values: Sequence[str | None], formats: list[int]) -> Bound:
        found = Bound(prepared.statement, formats)
        if isinstance(prepared.statement, Query):
            tokens = parameters.bound(prepared.tokens, values, prepared.oids)
            found.portal = self._work.portal(tokens, prepared.kinds)
        elif prepared.oids:
            tokens = parameters.bound(prepared.tokens, values, prepared.oids)
            found.statement = statements.recognised(tokens)
        return found

    def _describe(self, body: Reader) -> None:
        kind, name = body.take(1), body.text()
        body.end()
        if kind == b"S":
            self._describe_statement(self._named(name))
            return
        # a cursor is a portal, which a client may ask about
        bound = self._bound.get(name) or Bound(None, [], self._work.cursor(name))
        columns = bound.portal.columns if bound.portal else self._work.columns(bound.statement)
        if columns is None:
            self._connection.send(messages.message(messages.NO_DATA))
            return
        wanted = bound.formats or [0]
        formats = wanted if len(wanted) > 1 else wanted * len(columns)
        if len(formats) != len(columns):
            raise Refused("08P01", f"{len(formats)} formats are given for {len(columns)} columns")
        self._connection.send(messages.row_description(columns, formats))

    def _describe_statement(self, prepared: Prepared) -> None:
        # what a client need not know is a text
        oids = [oid or 25 for oid in prepared.oids]
        self._connection.send(messages.parameter_description(oids))
        columns = self._work.columns(prepared.statement)
        if isinstance(prepared.statement, Query):
            nothing = [None] * len(prepared.oids)
            tokens = parameters.bound(prepared.tokens, nothing, prepared.oids)
            portal = self._work.portal(tokens, [])
            try:
                columns, prepared.kinds = portal.columns, portal.duck_kinds
            finally:
                portal.close()
        if columns is None:
            self._connection.send(messages.message(messages.NO_DATA))
        else:
            self._connection.send(messages.row_description(columns, [0] * len(columns)))

    def _execute(self, body: Reader) -> None:
        bound, most = self._named_bound(body.text()), body.int32()
        body.end()
        if bound.portal:
            self._work.send_rows(bound.portal, bound.formats, max(most, 0))
        elif bound.statement is None:
            self._connection.send(messages.message(messages.EMPTY))
        else:
            self._work.execute(bound.statement, described=False, formats=bound.formats)
            self._forget(bound.statement)

    def _forget(self, statement: Statement) -> None:
        if isinstance(statement, statements.Idle) and statement.closes:
            if statement.closes == "all":
                self._prepared.clear()
            self._prepared.pop(statement.closes, None)

    def _close(self, body: Reader) -> None:
        kind, name = body.take(1), body.text()
        body.end()
        if kind == b"S":
            self._prepared.pop(name, None)
        else:
            self._close_bound(name)
        self._connection.send(messages.message(messages.CLOSED))

    def _close_bound(self, name: str) -> None:
        bound = self._bound.pop(name, None)
        if bound and bound.portal:
            bound.portal.close()

    def _flush(self, _body: Reader) -> None:
        self._rest()
        self._connection.flush()

    def _sync(self, _body: Reader) -> None:
        """Ends what was begun: `_ready` follows."""

    def _ignored(self, _body: Reader) -> None:
        """Data of a COPY that came too late."""

    def _named(self, name: str) -> Prepared:
        if name not in self._prepared:
            raise Refused("26000", f'prepared statement "{name[:64]}" does not exist')
        return self._prepared[name]

    def _named_bound(self, name: str) -> Bound:
        if name not in self._bound:
            raise Refused("34000", f'portal "{name[:64]}" does not exist')
        return self._bound[name]


HANDLERS: dict[bytes, Callable[[Session, Reader], None]] = {
    b"Q": Session._simple,
    b"P": Session._parse,
    b"B": Session._bind,
    b"D": Session._describe,
    b"E": Session._execute,
    b"C": Session._close,
    b"H": Session._flush,
    b"S": Session._sync,
    b"d": Session._ignored,
    b"c": Session._ignored,
    b"f": Session._ignored,
}
