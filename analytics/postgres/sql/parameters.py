"""Values that a client binds to a statement: they become literals of it. Pure.

A value without a type is a literal without one, which DuckDB reads as what stands beside it needs:
as PostgreSQL does with parameters whose type is not known.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address

from analytics.postgres import types
from analytics.postgres.messages import BINARY, Refused, decoded
from analytics.postgres.sql.lexer import PARAMETER, SPACE, STRING, Token

CASTS = {
    types.BOOL: "BOOLEAN",
    types.INT2: "SMALLINT",
    types.INT4: "INTEGER",
    types.INT8: "BIGINT",
    types.OID: "BIGINT",
    types.FLOAT4: "FLOAT",
    types.FLOAT8: "DOUBLE",
    types.DATE: "DATE",
    types.TIME: "TIME",
    types.TIMETZ: "TIMETZ",
    types.TIMESTAMP: "TIMESTAMP",
    types.TIMESTAMPTZ: "TIMESTAMPTZ",
    types.INTERVAL: "INTERVAL",
    types.UUID: "UUID",
}
# Arrays of one dimension, by the type of what is in them.
ARRAYS = {
    1000: types.BOOL,
    1005: types.INT2,
    1007: types.INT4,
    1016: types.INT8,
    1021: types.FLOAT4,
    1022: types.FLOAT8,
    1009: types.TEXT,
    1015: types.VARCHAR,
    1182: types.DATE,
    1115: types.TIMESTAMP,
    1185: types.TIMESTAMPTZ,
    2951: types.UUID,
    1028: types.OID,
    1183: types.TIME,
    1187: types.INTERVAL,
    1231: types.NUMERIC,
    1041: types.INET,
    651: types.CIDR,
    1014: types.BPCHAR,
    1003: types.NAME,
}
ANY_TEXTS = 1009
ITEM = re.compile(r'"((?:[^"\\]|\\.)*)"|([^,{}"]+)', re.DOTALL)
NUMBERS = {
    types.INT2: "!h",
    types.INT4: "!i",
    types.INT8: "!q",
    types.OID: "!I",
    types.FLOAT4: "!f",
    types.FLOAT8: "!d",
}
TEXTS = {types.TEXT, types.VARCHAR, types.UNKNOWN, types.NAME, types.CHAR, types.JSON, 0}
TEXTS |= {types.BPCHAR, types.XML}
ENDLESS = {
    types.DATE: (1 << 31) - 1,
    types.TIMESTAMP: (1 << 63) - 1,
    types.TIMESTAMPTZ: (1 << 63) - 1,
}
BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
MOST = 1000


def count(tokens: Sequence[Token]) -> int:
    """Returns how many parameters a statement has. Raises Refused for too many."""
    found = max((_number(token) for token in tokens if token.kind == PARAMETER), default=0)
    if found > MOST:
        raise Refused("54000", f"a statement has at most {MOST:,} parameters")
    return found


def bound(
    tokens: Sequence[Token], values: Sequence[str | None], oids: Sequence[int]
) -> list[Token]:
    """Returns the tokens with literals in place of parameters; NULL where a value is None."""
    found: list[Token] = []
    for token in tokens:
        if token.kind == PARAMETER:
            at = _number(token) - 1
            if not 0 <= at < len(values):
                raise Refused("08P01", f"{token.text} has no value")
            oid = oids[at] or (ANY_TEXTS if _is_any(found) else 0)
            token = Token(STRING, _literal(values[at], oid))
        found.append(token)
    return found


def _is_any(before: Sequence[Token]) -> bool:
    """Whether what follows is a list, as in `= ANY($1)`."""
    words = [token.word for token in before[-6:] if token.kind != SPACE][-2:]
    return words in (["ANY", "("], ["ALL", "("])


def text(value: bytes, oid: int, form: int) -> str:
    """Returns a value as text. Raises Refused for what cannot be read as its type."""
    if form != BINARY or oid in TEXTS:
        return decoded(value)
    if oid in ARRAYS:
        raise Refused("0A000", "binary arrays are not read", "send them as text")
    try:
        return _of_binary(value, oid)
    except (struct.error, OverflowError, IndexError):
        raise Refused("22P03", "a binary value does not have the length of its type") from None


def _of_binary(value: bytes, oid: int) -> str:
    if oid in NUMBERS:
        return str(struct.unpack(NUMBERS[oid], value)[0])
    if oid == types.BOOL:
        return "true" if value[0] else "false"
    if oid == types.BYTEA:
        return f"\\x{value.hex()}"
    if oid == types.UUID:
        return value.hex()
    if oid in ENDLESS:
        return _date_or_time(value, oid)
    if oid == types.INTERVAL:
        micros, days, months = struct.unpack("!qii", value)
        return f"{months} months {days} days {micros} microseconds"
    if oid in (types.TIME, types.TIMETZ):
        return _time(*struct.unpack("!q" if oid == types.TIME else "!qi", value))
    if oid in (types.INET, types.CIDR):
        return _network(value)
    if oid == types.JSONB and value[:1] == b"\1":
        return decoded(value[1:])
    if oid == types.NUMERIC:
        return _numeric(value)
    raise Refused("0A000", f"binary values of type {oid} are not read", "send them as text")


def _date_or_time(value: bytes, oid: int) -> str:
    (count,) = struct.unpack("!i" if oid == types.DATE else "!q", value)
    if count == ENDLESS[oid] or count == -ENDLESS[oid] - 1:
        return "infinity" if count > 0 else "-infinity"
    if oid == types.DATE:
        return str(date(2000, 1, 1) + timedelta(days=count))
    at = BEGIN + timedelta(microseconds=count)
    return at.isoformat() if oid == types.TIMESTAMPTZ else at.replace(tzinfo=None).isoformat()


def _time(micros: int, west: int | None = None) -> str:
    """Returns a time of day; `west` are seconds of its zone, to the west as PostgreSQL counts."""
    minutes, rest = divmod(micros, 60_000_000)
    found = f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1_000_000:02d}.{rest % 1_000_000:06d}"
    if west is None:
        return found
    hours, minutes = divmod(abs(west) // 60, 60)
    return f"{found}{'-' if west > 0 else '+'}{hours:02d}:{minutes:02d}"


def _network(value: bytes) -> str:
    """Returns an address as texts have it, or a network with its length; both are texts here."""
    _family, bits, is_network, size = struct.unpack("!4B", value[:4])
    if size not in (4, 16) or len(value) != 4 + size:
        raise IndexError
    address = str(ip_address(value[4:]))
    return f"{address}/{bits}" if is_network or bits != size * 8 else address


def _numeric(value: bytes) -> str:
    digits, weight, sign, scale = struct.unpack("!HhHH", value[:8])
    if sign & 0xC000 == 0xC000:
        return "nan"
    found = struct.unpack(f"!{digits}H", value[8:])
    groups = [found[n] if n < digits else 0 for n in range(max(digits, weight + 1))]
    whole = "".join(f"{one:04d}" for one in groups[: weight + 1]) if weight >= 0 else "0"
    rest = "0000" * max(0, -weight - 1) + "".join(
        f"{one:04d}" for one in groups[max(0, weight + 1) :]
    )
    return f"{'-' if sign else ''}{whole}.{rest[:scale].ljust(scale, '0')}".rstrip(".")


def _literal(value: str | None, oid: int) -> str:
    if oid == types.BYTEA and value is not None:
        return f"unhex('{value.removeprefix(chr(92) + 'x')}')" if _is_hex(value) else _quoted(value)
    # a space on both sides, so that nothing grows together with what stands there
    written = "NULL" if value is None else _quoted(value)
    if oid == types.INTERVAL and value is not None:
        # `1 day, 2:03:04`, as Python writes it
        written = _quoted(value.replace(",", ""))
    if oid in ARRAYS and value is not None:
        return _list(value, ARRAYS[oid])
    if oid == types.NUMERIC and value is not None:
        return f" {_checked_number(value)} "
    return f" CAST({written} AS {CASTS[oid]}) " if oid in CASTS else f" {written} "


def _list(value: str, of: int) -> str:
    """Returns `{a,"b, c",NULL}` as a list."""
    items = []
    for item in ITEM.finditer(value):
        plain = (item[2] or "").strip()
        item_text = (
            None if plain.upper() == "NULL" else plain or re.sub(r"\\(.)", r"\1", item[1] or "")
        )
        items.append(_literal(item_text, of))
    return f" CAST([{','.join(items)}] AS {CASTS.get(of, 'VARCHAR')}[]) "


def _quoted(value: str) -> str:
    return "'" + value.replace("\0", "").replace("'", "''") + "'"


def _is_hex(value: str) -> bool:
    return value.startswith("\\x") and all(one in "0123456789abcdefABCDEF" for one in value[2:])


def _checked_number(value: str) -> str:
    """Returns a decimal as it stands: its precision is its own. Anything else is a text."""
    plain = value.lstrip("-").replace(".", "", 1)
    if plain.isascii() and plain.isdigit():
        return f"({value})"
    return f"CAST({_quoted(value)} AS DOUBLE)"


def _number(token: Token) -> int:
    return int(token.text[1:8])
