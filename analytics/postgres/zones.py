"""Time zones by the names that DuckDB knows, also where a client counts hours."""

from __future__ import annotations

import re
from functools import cache

from analytics.postgres.messages import Refused
from lakehouse.duck import connect

# A number of hours counts to the east; behind a name, as POSIX has it, to the west.
HOURS = re.compile(r"()([+-]?)0?(\d{1,2})(?:\.0)?|(GMT|UTC?)([+-])0?(\d{1,2})(?::?00)?", re.I)


def named(value: str) -> str:
    """Returns the name of a zone as it is written; whole hours become `Etc/GMT+5`.

    Raises Refused for what is no zone: each question about times would fail.
    """
    plain = value.strip()
    hours = HOURS.fullmatch(plain)
    if plain.lower() not in _names() and hours:
        behind, sign, count = (one or "" for one in hours.groups()[3 if hours[4] else 0 :][:3])
        is_west = (sign == "-") != bool(behind)
        plain = f"Etc/GMT{'+' if is_west else '-'}{int(count)}"
    if found := _names().get(plain.lower()):
        return found
    raise Refused(
        "22023",
        f'there is no time zone "{value[:40]}" here',
        "name one, as Europe/Berlin or UTC; Etc/GMT-2 is two hours east",
    )


@cache
def _names() -> dict[str, str]:
    """Returns the names of all zones by themselves in small letters."""
    with connect() as duck:
        found = duck.sql("SELECT name FROM pg_timezone_names()").fetchall()
    return {name.lower(): name for (name,) in found}
