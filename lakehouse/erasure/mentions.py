"""Finds values in texts, as words of their own, in whichever spelling. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.duck.types import literal

ERASED = "[erased]"
# Below this RE2 takes longer to read a pattern than Python to look.
LARGE_BYTES = 1 << 14
# Signs that end in a letter or a digit, as JSON and addresses of pages write them: `\n`, `%3D`.
ENCODED = r"(?:^|[^\\])(?:\\\\)*\\(?:[bfnrt]|u[0-9a-fA-F]{4})|%[0-9a-fA-F]{2}"


@dataclass(frozen=True)
class Spelling:
    """One or more ways to write a value: a regular expression of RE2, of Python and of its bytes.

    `part` is in each of them, in lower case unless `is_cased`: looked for first, as that is cheap.
    `joined` are the signs by which it may be a part of a longer word; `key` is a regular expression
    of what may stand before it although that looks joined.
    """

    regexp: str
    part: str
    joined: str
    key: str = ""
    is_cased: bool = True

    @cached_property
    def pattern(self) -> str:
        """A word of its own: a sign of `joined` beside it does not make it part of a longer one
        alone. Neither engine has the other's escapes but `\\xHH`, and RE2 does not look around.
        """
        signs = escaped(self.joined)
        more = f"|{self.key}" if self.key else ""
        before = rf"(?:^|[^\w{signs}]|(?:^|[^\w])[{signs}]|{ENCODED}{more})"
        after = rf"(?:$|[^\w{signs}]|[{signs}](?:$|[^\w]))"
        return f"{before}({self.regexp}){after}"

    @cached_property
    def in_texts(self) -> re.Pattern[str]:
        """The pattern for texts; the value is its first group."""
        return re.compile(self.pattern, re.ASCII)

    @cached_property
    def _of_bytes(self) -> re.Pattern[bytes]:
        return re.compile(self.pattern.encode())

    def sql(self, text: str) -> str:
        """Returns whether a text mentions it, as a condition of DuckDB."""
        within = text if self.is_cased else f"lower({text})"
        may = f"contains({within}, {literal(self.part)})"
        return f"({may} AND regexp_matches({text}, {literal(self.pattern)}))"

    def may_be_in(self, text: str) -> bool:
        """Whether a text has what each spelling has."""
        return self.part in (text if self.is_cased else text.lower())

    def in_bytes(self, content: bytes) -> bool:
        """Whether bytes mention it, as UTF-8."""
        if self.part.encode() not in (content if self.is_cased else content.lower()):
            return False
        if len(content) < LARGE_BYTES:
            return bool(self._of_bytes.search(content))
        found = pc.match_substring_regex(pa.array([content], pa.large_binary()), self.pattern)
        return bool(found[0].as_py())


@dataclass(frozen=True)
class Mentions:
    """Spellings of values, to be looked for in texts."""

    spellings: Sequence[Spelling]

    def __bool__(self) -> bool:
        return bool(self.spellings)

    def sql(self, text: str) -> str:
        """Returns whether a text mentions one, as a condition of DuckDB."""
        return f"({' OR '.join(one.sql(text) for one in self.spellings) or 'false'})"

    def in_text(self, text: str) -> bool:
        """Whether a text mentions one."""
        return any(one.may_be_in(text) and one.in_texts.search(text) for one in self.spellings)

    def in_bytes(self, content: bytes) -> bool:
        """Whether bytes mention one, as UTF-8."""
        return any(one.in_bytes(content) for one in self.spellings)

    def scrubbed(self, value: Any) -> Any:
        """Returns a value of JSON or of a row with `[erased]` in place of what it mentions."""
        if isinstance(value, str):
            for one in self.spellings:
                # those beside each other share what is between them, so one pass may leave some
                while one.may_be_in(value) and (new := one.in_texts.sub(_erased, value)) != value:
                    value = new
            return value
        if isinstance(value, list):
            return [self.scrubbed(each) for each in value]
        if isinstance(value, dict):
            return {key: self.scrubbed(each) for key, each in value.items()}
        return value


def _erased(found: re.Match[str]) -> str:
    """What takes the place of a match; with ERASED in it, of a name like that, it would go on."""
    (start, end), whole = found.span(1), found[0]
    mark = "" if found[1] in ERASED else ERASED
    return whole[: start - found.start()] + mark + whole[end - found.start() :]


def escaped(text: str) -> str:
    """A text as a regular expression of each engine."""
    return "".join(
        sign if sign.isalnum() or ord(sign) > 127 else f"\\x{ord(sign):02x}" for sign in text
    )
