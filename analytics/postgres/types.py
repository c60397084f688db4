"""DuckDB's types as PostgreSQL's: their numbers, and how values of them are written. Pure."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass

from analytics.postgres.messages import BINARY, Column

BOOL, BYTEA, INT8, INT2, INT4, TEXT, OID = 16, 17, 20, 21, 23, 25, 26
JSON, FLOAT4, FLOAT8, UNKNOWN, VARCHAR = 114, 700, 701, 705, 1043
DATE, TIME, TIMESTAMP, TIMESTAMPTZ, INTERVAL, NUMERIC, UUID = (
    1082,
    1083,
    1114,
    1184,
    1186,
    1700,
    2950,
)
NAME, CHAR, BPCHAR, XML, JSONB = 19, 18, 1042, 142, 3802
TIMETZ, INET, CIDR = 1266, 869, 650
OIDS = {
    "BOOLEAN": BOOL,
    "TINYINT": INT2,
    "UTINYINT": INT2,
    "SMALLINT": INT2,
    "USMALLINT": INT4,
    "INTEGER": INT4,
    "UINTEGER": INT8,
    "BIGINT": INT8,
    "UBIGINT": NUMERIC,
    "HUGEINT": NUMERIC,
    "UHUGEINT": NUMERIC,
    "BIGNUM": NUMERIC,
    "FLOAT": FLOAT4,
    "DOUBLE": FLOAT8,
    "VARCHAR": TEXT,
    "BLOB": BYTEA,
    "DATE": DATE,
    "TIME": TIME,
    "TIMESTAMP": TIMESTAMP,
    "TIMESTAMP_S": TIMESTAMP,
    "TIMESTAMP_MS": TIMESTAMP,
    "TIMESTAMP_NS": TIMESTAMP,
    "TIMESTAMP WITH TIME ZONE": TIMESTAMPTZ,
    "INTERVAL": INTERVAL,
    "UUID": UUID,
    "JSON": JSON,
}
SIZES = {BOOL: 1, INT2: 2, INT4: 4, INT8: 8, FLOAT4: 4, FLOAT8: 8, DATE: 4, TIME: 8}
SIZES |= {TIMESTAMP: 8, TIMESTAMPTZ: 8, INTERVAL: 16, UUID: 16, OID: 4, NAME: 64, CHAR: 1}
DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
NESTED = re.compile(r".*\]|(STRUCT|MAP|UNION)\(.*|VARIANT", re.DOTALL)
# Days and microseconds from 1970 to 2000, where PostgreSQL counts from.
DAYS, MICROS = 10_957, 946_684_800_000_000
FINITE = "CASE WHEN isfinite({0}) THEN {0}::VARCHAR WHEN isnan({0}) THEN 'NaN'"
SHOWN = {
    BOOL: "CASE WHEN {0} THEN 't' WHEN NOT {0} THEN 'f' END",
    BYTEA: r"'\x' || lower(hex({0}))",
    JSON: "to_json({0})::VARCHAR",
    FLOAT4: FINITE + " WHEN {0} > 0 THEN 'Infinity' WHEN {0} < 0 THEN '-Infinity' END",
    FLOAT8: FINITE + " WHEN {0} > 0 THEN 'Infinity' WHEN {0} < 0 THEN '-Infinity' END",
    INTERVAL: "replace({0}::VARCHAR, 'month', 'mon')",
}
Packer = Callable[[str], bytes]


@dataclass(frozen=True)
class Written:
    """How a column goes out: what DuckDB makes of it, and what its numbers or texts become.

    `number` is a type of numpy, `pack` makes bytes of a text; without either it is bytes already.
    """

    expression: str
    number: str = ""
    pack: Packer | None = None


def column(name: str, kind: str) -> Column:
    """Returns the column of a name and a type of DuckDB."""
    if found := DECIMAL.fullmatch(kind):
        precision, scale = int(found[1]), int(found[2])
        return Column(name, NUMERIC, -1, (precision << 16 | scale) + 4)
    oid = JSON if NESTED.fullmatch(kind) else OIDS.get(kind, TEXT)
    return Column(name, oid, SIZES.get(oid, -1))


def written(at: str, of: Column, form: int) -> Written:
    """Returns how a column goes out, `at` the place that DuckDB knows it by."""
    if form == BINARY:
        return _binary(at, of)
    return Written(SHOWN.get(of.oid, "{0}::VARCHAR").format(at))


def _binary(at: str, of: Column) -> Written:
    if of.oid in BINARIES:
        expression, number = BINARIES[of.oid]
        return Written(expression.format(at), number)
    if of.oid in PACKED:
        expression, pack = PACKED[of.oid]
        return Written(expression.format(at), pack=pack)
    if of.oid == UUID:
        return Written(f"unhex(replace({at}::VARCHAR, '-', ''))")
    return Written(at if of.oid == BYTEA else SHOWN.get(of.oid, "{0}::VARCHAR").format(at))


def _numeric(text: str) -> bytes:
    """Returns a number as PostgreSQL packs it: digits of 10,000, the weight of the first."""
    if not text[-1:].isdigit():
        return struct.pack("!HhHH", 0, 0, 0xC000, 0)
    whole, _, part = text.lstrip("-").partition(".")
    whole = whole.lstrip("0")
    digits = whole.rjust(-(-len(whole) // 4) * 4, "0") + part.ljust(-(-len(part) // 4) * 4, "0")
    groups = [int(digits[n : n + 4]) for n in range(0, len(digits), 4)]
    weight = -(-len(whole) // 4) - 1
    while groups and not groups[0]:
        groups, weight = groups[1:], weight - 1
    while groups and not groups[-1]:
        groups.pop()
    sign = 0x4000 if text.startswith("-") and groups else 0
    return struct.pack(
        f"!HhHH{len(groups)}H", len(groups), weight if groups else 0, sign, len(part), *groups
    )


def _interval(text: str) -> bytes:
    months, days, micros = map(int, text.split())
    return struct.pack("!qii", micros, days, months)


BINARIES = {
    BOOL: ("{0}::TINYINT", "i1"),
    INT2: ("{0}::SMALLINT", ">i2"),
    INT4: ("{0}::INTEGER", ">i4"),
    OID: ("{0}::INTEGER", ">i4"),
    INT8: ("{0}::BIGINT", ">i8"),
    FLOAT4: ("{0}", ">f4"),
    FLOAT8: ("{0}", ">f8"),
    DATE: ("({0} - DATE '2000-01-01')::INTEGER", ">i4"),
    TIME: ("epoch_us({0})", ">i8"),
    TIMESTAMP: (f"epoch_us({{0}}) - {MICROS}", ">i8"),
    TIMESTAMPTZ: (f"epoch_us({{0}}) - {MICROS}", ">i8"),
}
PARTS = (
    "(datepart('year', {0}) * 12 + datepart('month', {0})) || ' ' || datepart('day', {0}) "
    "|| ' ' || "
    "(datepart('hour', {0}) * 3600000000 + datepart('minute', {0}) * 60000000 "
    "+ datepart('microsecond', {0}))"
)
PACKED: dict[int, tuple[str, Packer]] = {
    NUMERIC: ("{0}::VARCHAR", _numeric),
    INTERVAL: (PARTS, _interval),
}
