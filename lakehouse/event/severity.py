"""Words and numbers for a severity, as OpenTelemetry names and numbers them. Pure.

Numbers are syslog's from 0 to 7, and those of pino and bunyan from 10 to 60.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

ERROR = 17
LEAST, MOST = 1, 24
LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


class Severity(NamedTuple):
    """The name of a range, and a number within it (1 to 24)."""

    level: str
    number: int


_WORDS = {
    1: "trace t verbose v finest all",
    2: "trace2",
    3: "trace3 finer",
    4: "trace4",
    5: "debug d dbg fine d1 d2 d3 d4 d5",
    6: "debug2",
    7: "debug3",
    8: "debug4 config",
    9: "info i inf information informational log",
    10: "info2 notice n note",
    11: "info3",
    12: "info4",
    13: "warn w warning wrn",
    14: "warn2",
    15: "warn3",
    16: "warn4",
    17: "error e err eror severe",
    18: "error2 crit",
    19: "error3 alert",
    20: "error4",
    21: "fatal f ftl critical c emerg emergency panic dpanic",
    22: "fatal2",
    23: "fatal3",
    24: "fatal4",
}
_SYSLOG = {0: 21, 1: 19, 2: 18, 3: 17, 4: 13, 5: 10, 6: 9, 7: 5}
_PINO = {10: 1, 20: 5, 30: 9, 40: 13, 50: 17, 60: 21}
_NUMBERS = {word: number for number, words in _WORDS.items() for word in words.split()} | {
    str(number): of for number, of in (_SYSLOG | _PINO).items()
}


def level_of(number: int) -> str:
    """The name of a severity number from 1 to 24."""
    return LEVELS[(number - LEAST) // 4]


@lru_cache(maxsize=1024)
def severity(written: str) -> Severity | None:
    """What a word or a number stands for, in any case; None for one that is not known."""
    number = _NUMBERS.get(written.strip().strip("[]").lower())
    return Severity(level_of(number), number) if number else None
