"""One record, judged by itself: whatever the fast path did not take."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from lakehouse.decode.fault import EMPTY, diagnose
from lakehouse.decode.leftover.pairs import OverBudget, Pair, attributes, cut_long
from lakehouse.decode.nesting import too_deep
from lakehouse.decode.rules import Rules
from lakehouse.decode.wire import EVENT, FIELDS, NAMES
from lakehouse.event.budgets import Budgets, cut
from lakehouse.event.written import parts_of
from lakehouse.formats.format import Fault

_event_of = msgspec.json.Decoder(EVENT).decode
_value_of = {f.name: msgspec.json.Decoder(f.type | None).decode for f in FIELDS}
_FIELDS = frozenset(NAMES)


class NotSound(Exception):
    """The parser would not see what is wrong with a record, or would not judge it right."""


# msgspec raises RecursionError where what is left of the stack does not do.
REFUSED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, NotSound)


class Single(NamedTuple):
    """A record that is an event: the values of `FIELDS`, and what is left over."""

    values: tuple[Any, ...]
    attributes: list[Pair]
    misfits: list[str]


def single(payload: bytes | None, rules: Rules, budgets: Budgets) -> Single | Fault:
    """The event of a payload, or why it is none.

    The value of an optional field that does not fit goes to the attributes, under its own name.
    """
    if payload is None:
        return EMPTY
    if len(payload) > budgets.record:
        return _over_budget(f"{len(payload)} bytes, wanted at most {budgets.record}")
    try:
        refuse_unsound(payload)
        parts = parts_of(payload)
    except REFUSED:
        return diagnose(payload, rules)
    values, misfits = _fields(payload, parts)
    if any(values[place] is None for place in rules.places):
        return diagnose(payload, rules)
    try:
        left = ((k, v) for k, v in parts.items() if k not in _FIELDS or k in misfits)
        pairs, cuts = cut_long(attributes(left, budgets), budgets.field)
    except OverBudget as error:
        return _over_budget(str(error))
    values, too_long = _cut(values, budgets.field)
    if rules.on_long_text == "reject" and (long := [*too_long, *cuts]):
        names = ", ".join(mark.removesuffix(":cut") for mark in long)
        return _over_budget(f"{names}: more than {budgets.field} bytes, which the source refuses")
    return Single(values, pairs, [*misfits, *too_long, *cuts])


def refuse_unsound(payload: bytes) -> None:
    """Raise one of `REFUSED` for what the parser would not see: no UTF-8, or too deep.

    The parser does not look at the UTF-8 of strings that it skips.
    """
    payload.decode()
    if too_deep(payload):
        raise NotSound


def _over_budget(detail: str) -> Fault:
    """The fault of a record that is larger than a budget."""
    return Fault("over_budget", detail)


def _fields(payload: bytes, parts: dict[str, msgspec.Raw]) -> tuple[tuple[Any, ...], list[str]]:
    """The values of all fields, and the fields whose value does not fit, which are None."""
    try:
        return msgspec.structs.astuple(_event_of(payload)), []
    except msgspec.ValidationError:
        values, misfits = [], []
        for name in NAMES:
            try:
                values.append(_value_of[name](parts[name]) if name in parts else None)
            except msgspec.ValidationError:
                values.append(None)
                misfits.append(name)
        return tuple(values), misfits


def _cut(values: tuple[Any, ...], most: int) -> tuple[tuple[Any, ...], list[str]]:
    too_long = {
        name
        for name, value in zip(NAMES, values, strict=True)
        if isinstance(value, str) and len(value) * 4 > most and len(value.encode()) > most
    }
    if not too_long:
        return values, []
    pairs = zip(NAMES, values, strict=True)
    kept = tuple(cut(value, most) if name in too_long else value for name, value in pairs)
    return kept, [f"{name}:cut" for name in NAMES if name in too_long]
