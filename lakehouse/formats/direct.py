"""Records that a decoder can read without the mapper, where their values fit as they came. Pure."""

from __future__ import annotations

from typing import NamedTuple

from lakehouse.event.budgets import KIB
from lakehouse.formats.messages import Made, is_message, made
from lakehouse.formats.reading import Reading
from lakehouse.formats.registry import named
from lakehouse.formats.values import KINDS

# Fields that the mapper makes others of, or does not take from just any text.
_MADE_OF = frozenset(("path", "endpoint", "method", "ip", "event_id"))


class Direct(NamedTuple):
    """How a decoder reads the records of a reading: by the key of each field that has another name.

    `given` are the texts that every event gets. `make` makes the message of any record that the
    decoder does not take: the same, where it does.
    """

    keys: dict[str, str]
    given: dict[str, str]
    make: Made


def direct(reading: Reading) -> Direct | None:
    """How to read JSON so; None where a reading demands more, or is strict (`is_message`).

    It is read so where each mapped key gives one field, in its own unit, and constants are text.
    """
    format, mapping = named(reading.format), reading.mapping
    fields = [*mapping.values()]
    is_simple = (
        format.is_message
        and not is_message(format, reading)
        and all(_is_plain(key, field) for key, field in mapping.items())
        and len({*fields}) == len(fields)
        and {*reading.units.values()} <= {"ms"}
    )
    if not is_simple or not all(map(_is_text, reading.constants, reading.constants.values())):
        return None
    keys = {field: key for key, field in mapping.items() if key != field}
    return Direct(keys, dict(reading.constants), made(reading))


def _is_plain(key: str, field: str) -> bool:
    """Whether a key of the object itself gives a field, and is not the name of another."""
    can_be_looked_for = not any(c in '."\\' or c < " " for c in key)
    return field in KINDS and can_be_looked_for and (key == field or key not in KINDS)


def _is_text(field: str, text: str) -> bool:
    is_plain = KINDS.get(field) is str and field not in _MADE_OF
    return is_plain and 0 < len(text) <= KIB
