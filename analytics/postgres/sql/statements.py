"""What a statement asks of the server itself, before DuckDB sees any of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from analytics.postgres.messages import Refused
from analytics.postgres.sql import lexer
from analytics.postgres.sql.lexer import NAME, SIGN, STRING, WORD, Token

BEGIN, COMMIT, ROLLBACK = "BEGIN", "COMMIT", "ROLLBACK"
TRANSACTIONS = {
    "BEGIN": BEGIN,
    "START": BEGIN,
    "COMMIT": COMMIT,
    "END": COMMIT,
    "ROLLBACK": ROLLBACK,
    "ABORT": ROLLBACK,
}
# Nothing that these do matters to who only reads.
IDLE = {"UNLISTEN", "DISCARD", "DEALLOCATE"}
SAVEPOINTS = {"SAVEPOINT", "RELEASE", ROLLBACK, "ABORT"}
DISCARD_ALL = "DISCARD ALL"
# What PostgreSQL or DuckDB has, and this server has not, with what to do instead.
BY_DRIVER = "bind parameters through your driver, which prepares by the protocol"
NO_EFFECT = "leave it out: tables are read as they are, and nothing is loaded or attached"
NOT_HERE = {
    "PREPARE": BY_DRIVER,
    "EXECUTE": BY_DRIVER,
    "MOVE": "FETCH rows, and leave out those that you do not want",
    "CALL": "ask with SELECT",
    "DO": "ask with SELECT",
    **dict.fromkeys(
        ("PRAGMA", "USE", "LOAD", "INSTALL", "ATTACH", "DETACH", "CHECKPOINT"), NO_EFFECT
    ),
    **dict.fromkeys(("ANALYZE", "LISTEN", "NOTIFY", "LOCK", "CLUSTER", "REINDEX"), NO_EFFECT),
}
LISTS = {"TABLES", "ALL TABLES"}
COPIES = {"text": "\t", "csv": ","}


@dataclass(frozen=True)
class Query:
    """A statement for DuckDB, which may name parameters."""

    tokens: Sequence[Token]


@dataclass(frozen=True)
class Set:
    """A setting gets a value; its default, where that is None. Local is: in this transaction."""

    name: str
    value: str | None
    tag: str = "SET"
    is_local: bool = False


@dataclass(frozen=True)
class Show:
    """A setting, or `all` of them, is asked for."""

    name: str


@dataclass(frozen=True)
class Transaction:
    """A transaction begins or ends: BEGIN, COMMIT or ROLLBACK."""

    tag: str


@dataclass(frozen=True)
class Idle:
    """What has no effect; `closes` are prepared statements that are forgotten."""

    tag: str
    closes: str = ""


@dataclass(frozen=True)
class Savepoint:
    """A point of a transaction is made (SAVEPOINT), gone back to (ROLLBACK), or forgotten."""

    tag: str
    name: str


@dataclass(frozen=True)
class Copy:
    """The rows of a query as lines, or as binary tuples."""

    tokens: Sequence[Token]
    format: str = "text"
    delimiter: str = "\t"
    null: str = "\\N"
    header: bool = False


@dataclass(frozen=True)
class Declare:
    """A cursor, from which rows are fetched by its name."""

    name: str
    tokens: Sequence[Token]


@dataclass(frozen=True)
class Fetch:
    """The next rows of a cursor; all of them where `count` is 0."""

    name: str
    count: int


@dataclass(frozen=True)
class Close:
    """A cursor, or `all` of them, is closed."""

    name: str


Statement = Query | Set | Show | Transaction | Idle | Savepoint | Copy | Declare | Fetch | Close


def recognised(tokens: Sequence[Token]) -> Statement:
    """Returns what a statement asks for. Raises Refused where its form is not known."""
    words = lexer.words(tokens)
    first = words[0].word
    if first in TRANSACTIONS and not _to_savepoint(words):
        return Transaction(TRANSACTIONS[first])
    if first in SAVEPOINTS:
        return Savepoint(ROLLBACK if first == "ABORT" else first, lexer.named(words[-1]))
    if [one.word for one in words] == DISCARD_ALL.split():
        return Idle(DISCARD_ALL, "all")
    if first in NOT_HERE:
        raise Refused("0A000", f"{first} is not known to this server", NOT_HERE[first])
    if first in IDLE:
        is_closing = first == "DEALLOCATE" and len(words) > 1
        return Idle(first, lexer.named(words[-1]) if is_closing else "")
    if first in READERS and (found := READERS[first](tokens, words)):
        return found
    return Query(tokens)


def _to_savepoint(words: list[Token]) -> bool:
    return words[0].word in (ROLLBACK, "ABORT") and "TO" in [word.word for word in words]


def _set(_tokens: Sequence[Token], words: list[Token]) -> Statement:
    rest = words[1:]
    is_local = bool(rest) and rest[0].word == "LOCAL"
    if rest and rest[0].word in ("SESSION", "LOCAL"):
        rest = rest[1:]
    begin = [word.word for word in rest[:2]]
    if begin[:1] in (["TRANSACTION"], ["CHARACTERISTICS"]):
        return Idle("SET")
    if begin == ["TIME", "ZONE"]:
        return Set("timezone", _value(rest[2:]), is_local=is_local)
    if begin[:1] == ["NAMES"]:
        return Set("client_encoding", _value(rest[1:]), is_local=is_local)
    at = next((n for n, word in enumerate(rest) if word.word in ("=", "TO")), 0)
    if not at or at + 1 == len(rest):
        raise Refused("42601", "that SET has no name or no value", "SET logpond.as_of = '-1h'")
    return Set(_name(rest[:at]), _value(rest[at + 1 :]), is_local=is_local)


def _reset(_tokens: Sequence[Token], words: list[Token]) -> Statement:
    return Set(_name(words[1:]), None, "RESET")


def _show(_tokens: Sequence[Token], words: list[Token]) -> Statement | None:
    asked = " ".join(word.word for word in words[1:])
    if not asked or asked in LISTS:
        return None
    names = {"TIME ZONE": "timezone", "TRANSACTION ISOLATION LEVEL": "transaction_isolation"}
    return Show(names.get(asked) or _name(words[1:]))


def _copy(tokens: Sequence[Token], words: list[Token]) -> Statement:
    to = max((n for n, word in enumerate(words) if word.word == "TO"), default=0)
    if (
        not to
        or words[to + 1 : to + 2] != [Token(WORD, words[to + 1].text)]
        or (words[to + 1].word != "STDOUT")
    ):
        raise Refused(
            "25006",
            "a COPY goes to the client here, and nowhere else",
            "COPY (SELECT ...) TO STDOUT; in psql \\copy (SELECT ...) TO 'file.csv' CSV HEADER",
        )
    asked, rest = words[1:to], words[to + 2 :]
    if asked[:1] == [Token(SIGN, "(")] and asked[-1:] == [Token(SIGN, ")")]:
        begin, end = (n for n, one in enumerate(tokens) if one is asked[0] or one is asked[-1])
        return _copied(list(tokens)[begin + 1 : end], rest)
    return _copied(_columns_of(asked), rest)


def _columns_of(words: list[Token]) -> list[Token]:
    """Returns the query of `COPY table` or `COPY table (column, ...)`."""
    at = next((n for n, word in enumerate(words) if word.text == "("), len(words))
    columns = words[at + 1 : -1] or [Token(SIGN, "*")]
    select, source, space = Token(WORD, "SELECT"), Token(WORD, "FROM"), Token("space", " ")
    return [select, space, *columns, space, source, space, *words[:at]]


def _copied(tokens: list[Token], options: list[Token]) -> Copy:
    wanted = " ".join(lexer.value(one).lower() if one.kind == WORD else one.text for one in options)
    form = next((one for one in ("csv", "binary") if re.search(rf"\b{one}\b", wanted)), "text")
    asked = re.search(r"\bformat\s+'?(\w+)", wanted)
    if asked and asked[1].lower() not in ("text", "csv", "binary"):
        raise Refused(
            "22023",
            f'COPY has no format "{asked[1][:40]}" here',
            "FORMAT text, csv or binary",
        )
    given = {}
    for n, one in enumerate(options[:-1]):
        follows = options[n + 2 if options[n + 1].word == "AS" else n + 1 :][:1]
        if one.kind == WORD and follows and follows[0].kind == STRING:
            given[one.word] = _escaped(follows[0])
    delimiter = given.get("DELIMITER", COPIES.get(form, ""))
    if form != "binary" and (len(delimiter) != 1 or not delimiter.isascii()):
        raise Refused("22023", "a delimiter of COPY is one character of ASCII")
    null = given.get("NULL", "" if form == "csv" else "\\N")
    has_header = bool(re.search(r"\bheader\b(?! (false|off))", wanted))
    return Copy(tokens, form, delimiter, null, has_header)


def _escaped(token: Token) -> str:
    text = token.text[1:] if token.text[:1] in "eE" else token.text
    found = text[1:-1].replace("''", "'")
    return found.replace("\\t", "\t") if token.text[:1] in "eE" else found


def _declare(tokens: Sequence[Token], words: list[Token]) -> Statement:
    at = next((n for n, word in enumerate(words) if word.word == "FOR"), 0)
    if at < 2 or "CURSOR" not in [word.word for word in words[:at]]:
        raise Refused("42601", "that DECLARE is no cursor", "DECLARE name CURSOR FOR SELECT ...")
    kinds = [word.word for word in words[:at]]
    if "SCROLL" in kinds and "NO" not in kinds:
        raise Refused(
            "0A000", "a cursor goes forward only", "DECLARE name NO SCROLL CURSOR FOR SELECT ..."
        )
    begin = next(n for n, token in enumerate(tokens) if token is words[at])
    return Declare(lexer.named(words[1]), tokens[begin + 1 :])


def _fetch(_tokens: Sequence[Token], words: list[Token]) -> Statement:
    wanted = [word.word for word in words[1:-1]]
    if "BACKWARD" in wanted or "PRIOR" in wanted or len(words) < 2:
        raise Refused("0A000", "a cursor goes forward only")
    counts = [int(word) for word in wanted if word.isdigit()]
    return Fetch(lexer.named(words[-1]), 0 if "ALL" in wanted else (counts or [1])[0])


def _close(_tokens: Sequence[Token], words: list[Token]) -> Statement:
    return Close(lexer.named(words[-1]))


READERS = {
    "SET": _set,
    "RESET": _reset,
    "SHOW": _show,
    "COPY": _copy,
    "DECLARE": _declare,
    "FETCH": _fetch,
    "CLOSE": _close,
}


def _name(words: Sequence[Token]) -> str:
    if not words or any(word.kind not in (WORD, NAME) and word.text != "." for word in words):
        raise Refused("42601", "that is no name of a setting", "SHOW ALL lists them")
    return "".join(lexer.named(word) if word.text != "." else "." for word in words).lower()


def _value(words: Sequence[Token]) -> str | None:
    if len(words) == 1 and words[0].word in ("DEFAULT", "LOCAL"):
        return None
    return "".join(", " if word.text == "," else lexer.value(word) for word in words)
