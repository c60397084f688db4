"""Lengths of time and incidents as people write them: `90`, `5m`, `error-burst@+120s:300s`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lakehouse.errors import SettingsError
from producer.traffic.curve import MICROS

UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
SPAN = r"\d+(?:\.\d+)?[smhd]?"


@dataclass(frozen=True)
class Spec:
    """An incident that was asked for: its name, when after the first live event, how long."""

    name: str
    after: int
    length: int


def span(text: str) -> int:
    """Microseconds of a length of time: seconds, or a number with s, m, h or d."""
    if not re.fullmatch(SPAN, text):
        raise SettingsError(f"not a length of time: {text!r}", "write 90, 90s, 5m, 2h or 1d")
    number = text.rstrip("smhd")
    return round(float(number) * UNITS[text[len(number) :]] * MICROS)


def spec(text: str, known: list[str]) -> Spec:
    """An incident as NAME@+START:LENGTH."""
    found = re.fullmatch(rf"([\w-]+)@\+({SPAN}):({SPAN})", text)
    if not found or found[1] not in known or not span(found[3]):
        raise SettingsError(
            f"not an incident: {text!r}",
            f"write NAME@+START:LENGTH, such as {known[0]}@+120s:300s; names: {', '.join(known)}",
        )
    return Spec(found[1], span(found[2]), span(found[3]))
