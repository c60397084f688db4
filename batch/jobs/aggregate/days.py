"""Which files a question needs, by their names alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from batch.jobs.aggregate.question import Question
from lakehouse.errors import SettingsError

NAME = re.compile(r"(\d{4}-\d\d-\d\d)\.log\.csv")
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Days:
    """The files to read, in the order of their days, and the days of the range without one."""

    files: tuple[Path, ...]
    missing: tuple[date, ...]

    @property
    def bytes(self) -> int:
        """What the files weigh together."""
        return sum(file.stat().st_size for file in self.files)


def days(folder: Path, asked: Question) -> Days:
    """The files `YYYY-MM-DD.log.csv` of the range; SettingsError where there is none."""
    there = _named(folder)
    wanted = {day: file for day, file in there.items() if _touches(day, asked)}
    if not wanted:
        raise SettingsError(
            f"{folder} has no file of these days: {_range(there)}",
            "files are named YYYY-MM-DD.log.csv; `logpond files metrics` makes some",
        )
    first = asked.since.date() if asked.since else min(wanted)
    last = (asked.until - timedelta.resolution).date() if asked.until else max(wanted)
    span = (first + DAY * number for number in range((last - first).days + 1))
    return Days(tuple(wanted.values()), tuple(day for day in span if day not in wanted))


def _named(folder: Path) -> dict[date, Path]:
    if not folder.is_dir():
        raise SettingsError(f"--input {folder} is no folder")
    found = {}
    for path in sorted(folder.iterdir()):
        if (named := NAME.fullmatch(path.name)) and (day := _day(named[1])):
            found[day] = path
    return found


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _touches(day: date, asked: Question) -> bool:
    begin = datetime.combine(day, time.min)
    before = asked.until is None or begin < asked.until
    return before and (asked.since is None or begin + DAY > asked.since)


def _range(there: dict[date, Path]) -> str:
    return f"it has {min(there)} to {max(there)}" if there else "it has none at all"
