"""What is written after the name of a field, as a test of that field. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from lakehouse.errors import SettingsError
from lakehouse.query.search import levels
from lakehouse.query.search.fields import DATES, Field, Kind
from lakehouse.query.search.tree import Between, Flag, Matches, Present, Test
from lakehouse.terminal import times

NUMBER = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:e[+-]?\d{1,2})?", re.I | re.A)
WHOLE = re.compile(r"[+-]?\d{1,18}", re.A)
CLASS = re.compile(r"([1-5])xx", re.I)
LENGTH = re.compile(r"(.+?)(us|ms|s|m|h)?", re.I)
MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
DAY_SECONDS = 86_400
Read = Callable[[str], Any]


class Unfit(ValueError):
    """The text is no value of its field."""


def to_test(field: Field, text: str, is_quoted: bool, operator: str, now: datetime) -> Test:
    """The test that a value makes; Unfit where it is none of its field.

    `operator` is empty, or one of > >= < <=. A time may count back from `now`.
    """
    if text == "*" and not is_quoted and not operator:
        return Present()
    read = _reader(field, now)
    if operator:
        return _compared(field, operator, read(text))
    low, dots, high = text.partition("..")
    if dots and not is_quoted and (low or high) and _reads(read, low, high):
        return _ranged(field, low and read(low), high and read(high))
    return _equal(field, text, is_quoted, read)


def _reader(field: Field, now: datetime) -> Read:
    """What makes a value of an ordered field of a text, or raises Unfit."""
    if field.kind is Kind.TIME:
        return lambda text: _time(text, now)
    return {
        Kind.NUMBER: number,
        Kind.STATUS: number,
        Kind.ATTRIBUTE: number,
        Kind.LENGTH: _milliseconds,
        Kind.LEVEL: _severity,
    }.get(field.kind, _unordered)


def _reads(read: Read, *texts: str) -> bool:
    try:
        return all(read(text) is not None for text in texts if text)
    except Unfit:
        return False


def _compared(field: Field, operator: str, value: Any) -> Test:
    is_open = len(operator) == 1
    if field.column in DATES and value.timestamp() % DAY_SECONDS:
        # the day of a time within it has times on both sides of it
        is_open = False
    if field.kind is Kind.LEVEL and operator in (">", "<="):
        # above ERROR is above all four of its severities
        value += levels.WIDTH - 1
    if operator.startswith(">"):
        return Between(low=value, low_open=is_open)
    return Between(high=value, high_open=is_open)


def _ranged(field: Field, low: Any, high: Any) -> Test:
    if field.kind is Kind.LEVEL and high != "":
        high += levels.WIDTH - 1
    return Between(None if low == "" else low, None if high == "" else high)


def _equal(field: Field, text: str, is_quoted: bool, read: Read) -> Test:
    if field.kind in (Kind.WORD, Kind.ATTRIBUTE):
        return Matches(_pieces(text, is_quoted))
    if field.kind is Kind.TEXT:
        return Matches(("", *_pieces(text, is_quoted), ""))
    if field.kind is Kind.FLAG:
        return Flag(_flag(text))
    if field.kind is Kind.LEVEL:
        return _level(text, is_quoted)
    if field.kind is Kind.TIME and field.column not in DATES:
        raise Unfit("a time is compared")
    found = CLASS.fullmatch(text) if field.kind is Kind.STATUS else None
    if found:
        return Between(int(found[1]) * 100, int(found[1]) * 100 + 99)
    return Between(read(text), read(text))


def _level(text: str, is_quoted: bool) -> Test:
    severity = levels.severity(text)
    if severity is None:
        return Matches(_pieces(text, is_quoted))
    return Between(severity, severity + levels.WIDTH - 1)


def _pieces(text: str, is_quoted: bool) -> tuple[str, ...]:
    return (text,) if is_quoted else tuple(text.split("*"))


def number(text: str) -> int | float:
    """A number as it is written; Unfit where it is none, or too large."""
    if WHOLE.fullmatch(text):
        return int(text)
    if not NUMBER.fullmatch(text) or not math.isfinite(found := float(text)):
        raise Unfit(text)
    return found


def _milliseconds(text: str) -> int | float:
    found = LENGTH.fullmatch(text)
    if not found:
        raise Unfit(text)
    return number(found[1]) * MILLISECONDS[(found[2] or "ms").lower()]


def _severity(text: str) -> int:
    found = levels.severity(text)
    if found is None:
        raise Unfit(text)
    return found


def _flag(text: str) -> bool:
    if text.lower() not in FLAGS:
        raise Unfit(text)
    return FLAGS[text.lower()]


def _time(text: str, now: datetime) -> datetime:
    try:
        return times.time(text, now, "time")
    except SettingsError:
        raise Unfit(text) from None


def _unordered(text: str) -> Any:
    raise Unfit(text)
