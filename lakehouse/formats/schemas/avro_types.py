"""The types of an Avro schema as a graph: named ones resolved, also those of references. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from lakehouse.formats.schemas.lookup import BadSchema, Written

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
RECORD, ENUM, FIXED, ARRAY, MAP, UNION = "record", "enum", "fixed", "array", "map", "union"
DEEPEST, MOST_TYPES = 64, 10_000
# The most digits of a decimal number.
MOST_DIGITS = 1000
LOGICAL = {
    ("int", "date"): "date",
    ("int", "time-millis"): "time-millis",
    ("long", "time-micros"): "time-micros",
    **{
        ("long", f"{zone}timestamp-{unit}"): f"{zone}timestamp-{unit}"
        for zone in ("", "local-")
        for unit in ("millis", "micros", "nanos")
    },
    ("bytes", "decimal"): "decimal",
    ("fixed", "decimal"): "decimal",
    ("fixed", "uuid"): "uuid",
    ("fixed", "duration"): "duration",
}
# What a value without a logical type is in JSON, where that is not itself.
PLAIN = {"bytes": "base64", "fixed": "base64", "float": "float", "double": "double"}
WIDTHS = {"uuid": 16, "duration": 12}


@dataclass(eq=False)
class Type:
    """A type: its parts are the fields of a record, the branches of a union, what a list holds."""

    kind: str
    name: str = ""
    parts: list[tuple[str, Type]] = field(default_factory=list)
    symbols: list[str] = field(default_factory=list)
    size: int = 0
    logical: str = ""
    scale: int = 0


def parsed(written: Written) -> Type:
    """The type of a record. Raises BadSchema."""
    types = _Types()
    for part in written.parts:
        types.of(_json(part.text), "", 0)
    return types.of(_json(written.text), "", 0)


def _json(text: str) -> Any:
    """The schema; a name alone may stand without quotes."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        if text.strip() in PRIMITIVES:
            return text.strip()
        raise BadSchema("it is no JSON") from None


class _Types:
    def __init__(self) -> None:
        self._named: dict[str, Type] = {}
        self._count = 0

    def of(self, given: Any, namespace: str, depth: int) -> Type:
        """The type that is written; `namespace` is that of who names it."""
        self._count += 1
        if depth > DEEPEST or self._count > MOST_TYPES:
            raise BadSchema("it is too deep" if depth > DEEPEST else "it has too many types")
        if isinstance(given, str):
            return self._by_name(given, namespace)
        if isinstance(given, list):
            branches = [self.of(one, namespace, depth + 1) for one in given]
            return Type(UNION, parts=[(one.name or one.kind, one) for one in branches])
        if not isinstance(given, dict):
            raise BadSchema("it has a type that is none")
        kind = given.get("type")
        if kind in (RECORD, "error", ENUM, FIXED):
            return self._define(given, namespace, depth)
        if kind == ARRAY:
            return Type(ARRAY, parts=[("", self.of(given["items"], namespace, depth + 1))])
        if kind == MAP:
            return Type(MAP, parts=[("", self.of(given["values"], namespace, depth + 1))])
        if kind in PRIMITIVES:
            return _logical(Type(kind), given)
        return self.of(kind, namespace, depth + 1)

    def _by_name(self, name: str, namespace: str) -> Type:
        if name in PRIMITIVES:
            return _logical(Type(name), {})
        full = f"{namespace}.{name}" if namespace and "." not in name else name
        found = self._named.get(full) or self._named.get(name)
        if found is None:
            raise BadSchema(f"it names {full[:80]}, which is nowhere")
        return found

    def _define(self, given: Mapping[str, Any], namespace: str, depth: int) -> Type:
        name = given["name"]
        space = name.rpartition(".")[0] if "." in name else _space(given, namespace)
        full = name if "." in name or not space else f"{space}.{name}"
        if full in self._named:
            raise BadSchema(f"it has {full[:80]} twice")
        kind = RECORD if given["type"] == "error" else given["type"]
        made = self._named[full] = Type(kind, full)
        if kind == ENUM:
            made.symbols = [str(one) for one in given["symbols"]]
        elif kind == FIXED:
            made.size = _whole(given["size"])
            _logical(made, given)
        else:
            names = [one["name"] for one in given["fields"]]
            if len({*names}) < len(names) or not all(isinstance(one, str) for one in names):
                raise BadSchema(f"fields of {full[:80]} have the same name")
            of = (self.of(one["type"], space, depth + 1) for one in given["fields"])
            made.parts = [*zip(names, of, strict=True)]
        return made


def _space(given: Mapping[str, Any], namespace: str) -> str:
    """The namespace of a type: that around it where it says nothing, none where it says so."""
    return str(given.get("namespace", namespace) or "")


def _logical(made: Type, given: Mapping[str, Any]) -> Type:
    """The type with what its values mean; what does not fit means nothing, by the standard."""
    named = LOGICAL.get((made.kind, str(given.get("logicalType"))), "")
    if WIDTHS.get(named, made.size) != made.size:
        named = ""
    if named == "decimal":
        made.scale = _whole(given.get("scale", 0))
        named = named if max(made.scale, _whole(given.get("precision", 0))) <= MOST_DIGITS else ""
    made.logical = named or PLAIN.get(made.kind, "")
    return made


def _whole(given: Any) -> int:
    if not isinstance(given, int) or not 0 <= given < 2**31:
        raise BadSchema("it has a size that is none")
    return given
