"""One line of a file, judged: the rule for what counts. Pure.

`timestamp,user,app,metric_1..metric_9`: a time `YYYY-MM-DD HH:MM:SS`; two names that are not
empty; nine whole numbers of 64 bits. No quotes, no control characters, UTF-8.
"""

from __future__ import annotations

import re
from datetime import datetime

METRICS = tuple(f"metric_{number}" for number in range(1, 10))
FIELDS = ("timestamp", "user", "app", *METRICS)
# As the text of a regular expression, which Python and Rust read alike.
TIME = r"^[1-9][0-9]{3}-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-5][0-9]$"
WHOLE = re.compile(r"[+-]?[0-9]+")
CONTROL = re.compile(r"[\x00-\x1f]")
LARGEST = 2**63
LONGEST = 1 << 16

Row = tuple[str, str, str, int, int, int, int, int, int, int, int, int]


def judge(line: bytes) -> Row | str:
    """The values of a line (without its end), or why it does not count."""
    if not line:
        return "the line is empty"
    if len(line) > LONGEST:
        return f"the line is longer than {LONGEST:,} bytes"
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return "not UTF-8"
    return _form(text) or _values(text.split(","))


def _form(text: str) -> str:
    if control := CONTROL.search(text):
        return f"a control character (0x{ord(control[0]):02x})"
    if '"' in text:
        return "a quote, which this format does not have"
    count = text.count(",") + 1
    return "" if count == len(FIELDS) else f"fields: {count}, not {len(FIELDS)}"


def _values(fields: list[str]) -> Row | str:
    time, user, app, *numbers = fields
    if not _is_time(time):
        return "the timestamp is no time YYYY-MM-DD HH:MM:SS"
    if not user or not app:
        return f"{'app' if user else 'user'} is empty"
    values = [_number(number) for number in numbers]
    for name, value in zip(METRICS, values, strict=True):
        if isinstance(value, str):
            return f"{name} {value}"
    return time, user, app, *values  # type: ignore[return-value]


def _is_time(text: str) -> bool:
    try:
        return bool(re.match(TIME, text)) and bool(datetime.fromisoformat(text))
    except ValueError:
        return False


def _number(text: str) -> int | str:
    if not WHOLE.fullmatch(text):
        return "is no whole number"
    # Python refuses to read thousands of digits
    digits = text.lstrip("+-0")[:20]
    value = int(digits or 0) * (-1 if text[0] == "-" else 1)
    return value if -LARGEST <= value < LARGEST else "is beyond 64 bits"
