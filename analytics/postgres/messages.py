"""The messages of PostgreSQL's protocol, version 3: taken apart, and made. Pure.

https://www.postgresql.org/docs/current/protocol-message-formats.html
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from lakehouse.errors import LogpondError, StorageError, TableError

PROTOCOL, CANCEL, SSL, GSS = 196608, 80877102, 80877103, 80877104
MOST_STARTUP, MOST_BYTES = 10_000, 1 << 20
READY, PARSED, BOUND, CLOSED = b"Z", b"1", b"2", b"3"
NO_DATA, SUSPENDED, EMPTY, COPY_DONE = b"n", b"s", b"I", b"c"
TEXT, BINARY = 0, 1
INT16, INT32, TWO_INT32 = struct.Struct("!h"), struct.Struct("!i"), struct.Struct("!ii")
COLUMN = struct.Struct("!ihihih")


class Malformed(LogpondError):
    """Bytes that are no message: the connection ends."""

    def __init__(self, what: str) -> None:
        super().__init__(f"that is no message of PostgreSQL's protocol: {what}")


class Refused(LogpondError):
    """What is asked is not answered, for a reason that has a code in PostgreSQL."""

    def __init__(self, code: str, what: str, remedy: str = "") -> None:
        super().__init__(what, remedy)
        self.code = code


@dataclass(frozen=True)
class Column:
    """A column of an answer as a client is told of it."""

    name: str
    oid: int
    size: int
    modifier: int = -1


@dataclass
class Reader:
    """The fields of a message, one after the other. Raises Malformed where they do not fit it."""

    body: bytes
    at: int = 0

    def text(self) -> str:
        """Returns a text, which ends with a zero byte."""
        end = self.body.find(b"\0", self.at)
        if end < 0:
            raise Malformed("a text has no end")
        found, self.at = self.body[self.at : end], end + 1
        return decoded(found)

    def take(self, count: int) -> bytes:
        """Returns so many bytes."""
        if count < 0 or self.at + count > len(self.body):
            raise Malformed("a length does not fit")
        found = self.body[self.at : self.at + count]
        self.at += count
        return found

    def int16(self) -> int:
        """Returns a number of two bytes."""
        return int(INT16.unpack(self.take(2))[0])

    def int32(self) -> int:
        """Returns a number of four bytes."""
        return int(INT32.unpack(self.take(4))[0])

    def count(self) -> int:
        """Returns how many follow, each of two bytes or more."""
        found = self.int16() & 0xFFFF
        if found * 2 > len(self.body) - self.at:
            raise Malformed("there are fewer than it says")
        return found

    def end(self) -> None:
        """Checks that nothing is left."""
        if self.at != len(self.body):
            raise Malformed("it is longer than its fields")


def decoded(found: bytes) -> str:
    """Returns a text of UTF-8. Raises Refused for what is none."""
    try:
        return found.decode()
    except UnicodeDecodeError:
        raise Refused("22021", "that text is no UTF-8", "set client_encoding to UTF8") from None


def startup(body: bytes) -> dict[str, str]:
    """Returns the parameters of a first message, after its protocol."""
    found, reader = {}, Reader(body)
    while name := reader.text():
        found[name] = reader.text()
    reader.end()
    return found


def message(kind: bytes, body: bytes = b"") -> bytes:
    """Returns bytes with their kind and their length before them."""
    return kind + INT32.pack(len(body) + 4) + body


def texts(kind: bytes, *of: str) -> bytes:
    """Returns a message of texts."""
    return message(kind, b"".join(encoded(one) for one in of))


def authentication(code: int) -> bytes:
    """Returns what is asked for: 0 nothing, 3 a password as it is."""
    return message(b"R", INT32.pack(code))


def key_data(number: int, secret: int) -> bytes:
    """Returns what a client needs to cancel."""
    return message(b"K", TWO_INT32.pack(number, secret))


def row_description(columns: Sequence[Column], formats: Sequence[int]) -> bytes:
    """Returns what columns rows have."""
    found = [INT16.pack(len(columns))]
    for column, form in zip(columns, formats, strict=True):
        of = COLUMN.pack(0, 0, column.oid, column.size, column.modifier, form)
        found.append(encoded(column.name) + of)
    return message(b"T", b"".join(found))


def parameter_description(oids: Sequence[int]) -> bytes:
    """Returns of which types the parameters of a statement are."""
    return message(b"t", INT16.pack(len(oids)) + b"".join(map(INT32.pack, oids)))


def data_row(values: Sequence[str | None]) -> bytes:
    """Returns one row of texts."""
    parts = [INT32.pack(-1) if one is None else _sized(one) for one in values]
    return message(b"D", INT16.pack(len(values)) + b"".join(parts))


def copy_out(columns: int, form: int) -> bytes:
    """Returns the begin of a COPY to the client."""
    formats = b"".join(INT16.pack(form) for _ in range(columns))
    return message(b"H", bytes([form]) + INT16.pack(columns) + formats)


def protocol_is(minor: int, options: Sequence[str]) -> bytes:
    """Returns which minor version is spoken, and which options are not known."""
    names = b"".join(map(encoded, options))
    return message(b"v", TWO_INT32.pack(minor, len(options)) + names)


def error(found: Exception, severity: str = "ERROR") -> bytes:
    """Returns an error with its code, and what to do about it."""
    what = found.what if isinstance(found, LogpondError) else str(found)
    remedy = found.remedy if isinstance(found, LogpondError) else ""
    fields = {"S": severity, "V": severity, "C": code(found), "M": what}
    if remedy:
        fields["H"] = remedy
    body = b"".join(key.encode() + encoded(text) for key, text in fields.items())
    return message(b"E", body + b"\0")


def warning(of: Refused) -> bytes:
    """Returns a notice of what had no effect."""
    return b"N" + error(of, "WARNING")[1:]


def code(of: Exception) -> str:
    """Returns PostgreSQL's code (SQLSTATE) of an error."""
    if isinstance(of, Refused):
        return of.code
    if isinstance(of, Malformed):
        return "08P01"
    if isinstance(of, TableError):
        return "42P01"
    if isinstance(of, StorageError):
        return "58030"
    text = str(of)
    return next((one for words, one in CODES if words in text), "42000")


# What an error says, in the order in which it is looked for.
CODES = (
    ("only reads", "25006"),
    ("no answer within", "57014"),
    ("is larger than", "54000"),
    ("as much to do", "53000"),
    ("out of reach", "42501"),
    ("Permission Error", "42501"),
    ("Out of Memory", "53200"),
    ("Parser Error", "42601"),
    ("syntax error", "42601"),
    ("statements were given", "42601"),
    ("there is no statement", "42601"),
    ("Referenced column", "42703"),
    ("does not have a column", "42703"),
    ("Conversion Error", "22P02"),
    ("Invalid Input Error", "22023"),
    ("Function with name", "42883"),
    ("No function matches", "42883"),
    ("is not a time", "22007"),
)


def encoded(text: str) -> bytes:
    """Returns a text with its end; zero bytes cannot be in it."""
    return text.encode(errors="replace").replace(b"\0", b"") + b"\0"


def _sized(text: str) -> bytes:
    found = text.encode(errors="replace")
    return INT32.pack(len(found)) + found
