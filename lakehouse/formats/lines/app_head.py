"""The head of a line of an application: its time, and what stands between it and the message.

A level counts only before the message: after the time, with nothing but brackets, numbers, names
and marks between. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lakehouse.formats.format import Fields, with_more

# Nothing after so many characters is looked at for the head.
LONGEST = 512
NAMES = (
    r"TRACE|DEBUG\d?|INFO|INFORMATION|NOTICE|WARN|WARNING|ERROR|SEVERE|FATAL|CRITICAL|CRIT|ALERT"
    r"|EMERG|EMERGENCY|PANIC|FINE|FINER|FINEST|CONFIG|VERBOSE|LOG|STATEMENT|DETAIL|HINT|VRB|DBG"
    r"|INF|WRN|ERR|FTL|AUDIT|FAILURE"
)
_LOOSE = r"(?i:trace|debug|info|information|notice|warn|warning|error|severe|fatal|critical|crit"
_LOOSE += r"|alert|emerg|panic|note|system|err|dbg|wrn|inf)"
_MINUTES = r":\d\d:\d\d(?:[.,:]\d{1,9})?"
_CLOCK = rf"\d\d{_MINUTES}"
_ZONE = r"(?: ?(?:Z\b|UTC\b|GMT\b|CES?T\b|[+-]\d\d:?\d\d\b))?"
_TIMES = (
    rf"\d{{4}}[-/.]\d\d[-/.]\d\d[T _-]{_CLOCK}{_ZONE}",
    rf"\d\d/[A-Z][a-z]{{2}}/\d{{4}}[: ]{_CLOCK}{_ZONE}",
    rf"\d{{1,2}}[- ][A-Z][a-z]{{2}}[- ]\d{{4}} {_CLOCK}{_ZONE}",
    rf"(?:[A-Z][a-z]{{2}} )?[A-Z][a-z]{{2}} +\d{{1,2}} {_CLOCK}{_ZONE} \d{{4}}",
    r"[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d(?: [AP]M)?",
    rf"[A-Z][a-z]{{2}} +\d{{1,2}} {_CLOCK}",
    r"\d{8}-\d{1,2}:\d{1,2}:\d{1,2}:\d{1,3}",
    rf"\d\d/\d\d/\d\d {_CLOCK}",
    r"\d{6} \d{6}",
    rf"\d\d-\d\d {_CLOCK}",
    rf"\d\d\.\d\d\.\d{{4}} {_CLOCK}",
    rf"\d{{1,2}}/\d{{1,2}}/\d{{4}},? \d{{1,2}}{_MINUTES} ?[AP]M",
    rf"(?<=\[)(?:0[1-9]|1[0-2])\.(?:[0-2]\d|3[01]) {_CLOCK}(?=\])",
    rf"(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01]) {_CLOCK}",
    r"\d{10}(?:\.\d{1,9})?(?= )",
    r"\d{13}(?= )",
)
_TIME = "|".join(_TIMES)
# A value of CSV follows, or more digits.
_NO_CELL = r"(?![,;\t]\S|\.\d)"
# Before a time: a mark, a bracket, a letter for the level (glog, Ruby), the level as a word and a
# thread (Cassandra), a number (Redis), a name.
_START = re.compile(
    rf"(?:(?P<letter>[DIWEFCA])(?P<ruby>, )?)?(?P<open>[\[(<\"']?)(?P<time>{_TIME}){_NO_CELL}"
    rf"|\[?(?P<level>{NAMES}|{_LOOSE})[\]:]?[ \t]{{1,8}}(?:\[(?P<thread>[^\[\]]{{0,80}})\] )?\[?"
    rf"(?P<after_level>{_TIME}){_NO_CELL}"
    rf"|(?P<prefix>[^\s\[\]{{}}\"'=,;]{{1,80}}) \[?(?P<later>{_TIME}){_NO_CELL}"
)
_LETTERS = {"D": "DEBUG", "I": "INFO", "W": "WARN", "E": "ERROR", "F": "FATAL", "C": "CRITICAL"}
_BRACKETS = r"\[(?:[^\[\]]++|\[[^\[\]]*+\])*+\]|\([^()]*+\)|\{[^{}\"]*+\}"
_SIGNS = r"[ \t|:,\]>-]*+"
_LEVEL = re.compile(
    rf"(?P<head>(?:{_SIGNS}(?:{_BRACKETS}|[\w.$/@#-]++)[ \t|:,]++){{0,12}}?){_SIGNS}"
    rf"(?:[\[<(](?P<bracketed>(?:\w+:)?(?:{NAMES}|{_LOOSE})) *(?:/[\w-]+)?[\])>]"
    rf"|(?P<level>{NAMES})(?=[\s:/|,\]-]|$)|(?P<loose>{_LOOSE})(?=[:,|]| - | +\[|\s\s)"
    rf"|(?P<android>[VDIWEFA])(?=[ /] ?\S*[: ]))"
)
_NEAR = re.compile(r"(?:[\]\s|:,-]*)")
_THREAD = re.compile(rf"[ \t|:]*({_BRACKETS})")
_LOGGER = re.compile(
    r"(?:--- )?(?P<logger>[A-Za-z_$][\w.$/@<>-]*(?:\[\w+\])?)(?: *: +| +-{1,2} +|(?= \[[\w-]{20,}))"
)
_PIPE = re.compile(r"(?P<logger>[^|]{1,80})\|(?P<pid>\d{1,12})\|(?P<message>.*)", re.DOTALL)
_NUMBERED = re.compile(
    r"(?P<pid>\d{1,9}) --- |#(?P<process>\d{1,9})\] +\w+ -- (?P<program>[^:]{0,80}): "
    r"|(?P<thread>\d{1,9}) (?P<logger>[\w./-]+:\d+)\] |/(?P<worker>[\w-]+)\] "
)
# A logger with its function and line (loguru), in the bracket of the time (Rust), or at the end.
_PLACED = re.compile(r"(?P<logger>[\w.]{1,200}:[\w.<>]{1,100}:\d{1,7}) - ")
_INSIDE = re.compile(r"(?P<logger>[A-Za-z_][\w:.$/-]{0,200})\] ")
_AT_END = re.compile(r" \((?P<logger>[a-z][\w$]{0,60}(?:\.[\w$]{1,100}){2,20})\)$")
_REDIS = re.compile(r"\d+:[XCSM]")
_MARKS = {".": "debug", "-": "verbose", "*": "notice", "#": "warning"}
_NUMBER = re.compile(r"#?\d{1,9}(?:#\d+)?")


def begins(line: str) -> bool:
    """Whether a line has a time at its beginning."""
    return bool(_START.match(line))


def read(line: str) -> tuple[str, Fields] | None:
    """The time of a line as it is written, and its other fields; None without a time."""
    start = _START.match(line[:LONGEST])
    if not start:
        return None
    time = _whole(start["time"] or start["after_level"] or start["later"])
    fields: Fields = {}
    if start["letter"]:
        fields["level"] = _LETTERS.get(start["letter"], start["letter"])
    fields |= {name: start[name] for name in ("level", "thread", "prefix") if start[name]}
    rest = line[start.end() :]
    if _REDIS.fullmatch(start["prefix"] or "") and rest[:3].strip() in _MARKS:
        return time, fields | {"level": _MARKS[rest[:3].strip()], "message": rest[3:].strip()}
    if rest.startswith("|") and (piped := _PIPE.fullmatch(rest[1:])):
        return time, fields | {k: v.strip() for k, v in piped.groupdict().items()}
    return time, _after(fields, rest, start)


def _whole(time: str) -> str:
    """Times that only applications write: two digits for a year, or no marks."""
    if re.fullmatch(r"\d\d/\d\d/\d\d .*", time):
        return f"20{time.replace('/', '-', 2)}"
    if found := re.fullmatch(r"(\d{8})-(\d+):(\d+):(\d+):(\d+)", time):
        day, *clock, millis = found.groups()
        return f"{day}-{':'.join(part.zfill(2) for part in clock)}.{millis.zfill(3)}"
    if re.fullmatch(r"\d{6} \d{6}", time):
        date, clock_time = time.split(" ")
        return f"20{date}T{clock_time}"
    if found := re.fullmatch(r"(\d\d)[-.]?(\d\d) (\d\d:.*)", time):
        months = "JanFebMarAprMayJunJulAugSepOctNovDec"
        number = int(found[1])
        name = months[3 * number - 3 : 3 * number] if 1 <= number <= 12 else ""
        return f"{name} {found[2]} {found[3]}"
    return time


def _after(fields: Fields, rest: str, start: re.Match[str]) -> Fields:
    """Level, thread, logger and message of what stands after the time."""
    found = None if start["level"] else _LEVEL.match(rest[:LONGEST])
    if found:
        level = found["bracketed"] or found["level"] or found["loose"] or found["android"]
        logger, _, level = level.rpartition(":")
        with_more(fields, [("level", level), *([("logger", logger)] if logger else [])])
        with_more(fields, _between(found["head"]))
        rest = rest[found.end() :]
    rest = _numbered(fields, rest[_near(rest) :])
    while thread := _THREAD.match(rest):
        if "thread" in fields or not rest[thread.end() :].strip():
            break
        fields["thread"] = thread[1][1:-1]
        rest = rest[thread.end() :]
    rest = rest[_near(rest) :]
    ways = (_INSIDE, _PLACED, _LOGGER) if start["open"] == "[" else (_PLACED, _LOGGER)
    logger = next((found for way in ways if (found := way.match(rest))), None)
    if "logger" not in fields and logger:
        fields["logger"] = logger["logger"]
        rest = rest[logger.end() :]
    fields["message"] = message = rest.strip()
    if "logger" not in fields and (ending := _AT_END.search(message[-LONGEST:])):
        fields |= {"logger": ending["logger"], "message": message[: -len(ending[0])]}
    return fields


def _numbered(fields: Fields, rest: str) -> str:
    """Without the process, and the place in the source, that glog, Spring and Ruby put there."""
    found = _NUMBERED.match(rest)
    if not found:
        return rest
    parts = found.groupdict().items()
    with_more(fields, ((name, value.strip()) for name, value in parts if value and value.strip()))
    return rest[found.end() :]


def _near(rest: str) -> int:
    found = _NEAR.match(rest)
    return found.end() if found else 0


def _between(head: str) -> Iterator[tuple[str, str]]:
    """What stands between time and level: a number is a process, a bracket a thread, a name."""
    for token in re.findall(rf"{_BRACKETS}|[^\s|,]+", head):
        bare = token.strip("-:]>")
        if token[0] == "{":
            yield "context", token[1:-1]
        elif token[0] in "[(":
            yield "thread", token[1:-1]
        elif _NUMBER.fullmatch(bare):
            yield "pid", bare
        elif bare:
            yield "logger", bare
