"""OPTIMIZE and VACUUM as SQL writes them, as values. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lakehouse.errors import SettingsError
from lakehouse.query.statement import INSTEAD

FORM = re.compile(r"^\s*(OPTIMIZE|VACUUM)\b(.*?);?\s*$", re.I | re.DOTALL)
TABLE = r"\s+[`\"]?(?P<table>[\w-]+)[`\"]?"
OPTIMIZE = re.compile(TABLE + r"(?:\s+ZORDER\s+BY\s*\(?(?P<columns>[\w\s,`]+)\)?)?\s*", re.I)
VACUUM = re.compile(
    TABLE + r"(?:\s+RETAIN\s+(?P<hours>\d+)\s+HOURS?)?(?P<dry>\s+DRY\s+RUN)?\s*", re.I
)


@dataclass(frozen=True)
class Optimize:
    """OPTIMIZE table [ZORDER BY (columns)]."""

    table: str
    zorder: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vacuum:
    """VACUUM table [RETAIN hours HOURS] [DRY RUN]."""

    table: str
    hours: int | None = None
    dry_run: bool = False


def parse(sql: str) -> Optimize | Vacuum | None:
    """The upkeep that a statement asks for; None for any other statement.

    SettingsError, with the form, where OPTIMIZE or VACUUM is written otherwise.
    """
    found = FORM.match(sql)
    if not found:
        return None
    verb, rest = found[1].upper(), found[2]
    words = (OPTIMIZE if verb == "OPTIMIZE" else VACUUM).fullmatch(rest)
    if not words:
        raise SettingsError(f"{verb} is not written like this: {sql.strip()[:200]}", INSTEAD[verb])
    if verb == "OPTIMIZE":
        return Optimize(words["table"], columns(words["columns"] or ""))
    return Vacuum(
        words["table"], int(words["hours"]) if words["hours"] else None, bool(words["dry"])
    )


def columns(text: str) -> tuple[str, ...]:
    """Names of columns, separated by commas."""
    return tuple(name.strip(" `\n") for name in text.split(",") if name.strip(" `\n"))
