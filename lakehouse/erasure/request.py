"""What is to be erased: values, wherever they are mentioned, and rows that fit a query. Pure."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

from lakehouse.duck.types import literal
from lakehouse.errors import SettingsError
from lakehouse.query.search import DUCKDB, Node, condition, parse

ERASED = "[erased]"
# A value is mentioned where it is a word of its own: `ann` is not in `anna`, in `ann@example.org`
# or in `mary-ann`, nor is 10.0.0.1 in 10.0.0.12 or in 10.0.0.1.7.
JOINED, JOINED_ADDRESS = "-.@", "."


@dataclass(frozen=True)
class Request:
    """Users and addresses to erase, and a query of `logs` whose rows are erased.

    Raises SettingsError where nothing is named, or an address is none.
    """

    users: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    where: str = ""

    def __post_init__(self) -> None:
        if not (self.users or self.addresses or self.where.strip()):
            raise SettingsError(
                "nothing is named that shall be erased", "give --user, --ip or --where"
            )
        for name in self.users:
            if len(name.strip()) < 2:
                raise SettingsError(
                    f"the user {name!r} is too short to be looked for in texts",
                    f"name the rows by a query: --where 'user:\"{name}\"'",
                )
        for address in self.addresses:
            try:
                ipaddress.ip_address(address)
            except ValueError:
                raise SettingsError(
                    f"{address} is no address", "give one as 192.0.2.7 or 2001:db8::7"
                ) from None

    @cached_property
    def query(self) -> Node | None:
        """The query as a tree; QueryFault where it is none."""
        return parse(self.where) if self.where.strip() else None

    @cached_property
    def mentions(self) -> Mentions:
        """What finds the values in texts."""
        users = [(spelling, JOINED) for name in self.users for spelling in _spellings(name)]
        addresses = [
            (spelling, JOINED_ADDRESS + (":" if ":" in spelling else ""))
            for given in self.addresses
            for spelling in dict.fromkeys((given, str(ipaddress.ip_address(given))))
        ]
        return Mentions(tuple(users + addresses))

    def rows_of_logs(self, text: str) -> str:
        """Returns which rows of `logs` to erase, in DuckDB's SQL; `text` is all text of a row."""
        found = self.mentions.sql(text)
        return f"({found} OR {condition(self.query, DUCKDB)})" if self.query else found


@dataclass(frozen=True)
class Mentions:
    """Spellings of values, each with the signs by which it may be a part of a longer word."""

    spellings: Sequence[tuple[str, str]]

    def __bool__(self) -> bool:
        return bool(self.spellings)

    @cached_property
    def patterns(self) -> list[str]:
        """Regular expressions of Python, of its bytes and of RE2 alike."""
        return [_pattern(text, joined) for text, joined in self.spellings]

    def sql(self, text: str) -> str:
        """Returns whether a text mentions one, as a condition of DuckDB."""
        found = [
            f"(contains({text}, {literal(spelling)}) AND regexp_matches({text}, {literal(one)}))"
            for (spelling, _), one in zip(self.spellings, self.patterns, strict=True)
        ]
        return f"({' OR '.join(found) or 'false'})"

    def in_text(self, text: str) -> bool:
        """Whether a text mentions one."""
        return any(re.search(pattern, text, re.ASCII) for pattern in self.patterns)

    def in_bytes(self, content: bytes) -> bool:
        """Whether bytes mention one, as UTF-8."""
        return any(re.search(pattern.encode(), content) for pattern in self.patterns)

    def scrubbed(self, value: Any) -> Any:
        """Returns a value of JSON or of a row with `[erased]` in place of what it mentions."""
        if isinstance(value, str):
            for (spelling, _), pattern in zip(self.spellings, self.patterns, strict=True):
                # those beside each other share what is between them, so one pass may leave some
                while (new := re.sub(pattern, _in_place(spelling), value, flags=re.ASCII)) != value:
                    value = new
            return value
        if isinstance(value, list):
            return [self.scrubbed(each) for each in value]
        if isinstance(value, dict):
            return {key: self.scrubbed(each) for key, each in value.items()}
        return value


def _in_place(spelling: str) -> Any:
    """What takes the place of a match; with ERASED in it, of a name like that, it would go on."""
    mark = "" if spelling in ERASED else ERASED
    return lambda found: found[0].replace(spelling, mark, 1)


def _spellings(name: str) -> list[str]:
    """A name as it is, as JSON may escape it, and as addresses encode it."""
    in_json = [json.dumps(name)[1:-1], json.dumps(name, ensure_ascii=False)[1:-1]]
    return [*dict.fromkeys((name, *in_json, quote(name, safe=""), quote(name, safe="@")))]


def _pattern(text: str, joined: str) -> str:
    """A word of its own: a sign of `joined` beside it does not make it part of a longer one alone.

    Neither engine has the other's escapes but `\\xHH`, and RE2 does not look around.
    """
    signs = "".join(map(_escaped, joined))
    before = rf"(?:^|[^\w{signs}]|(?:^|[^\w])[{signs}])"
    after = rf"(?:$|[^\w{signs}]|[{signs}](?:$|[^\w]))"
    return before + "".join(map(_escaped, text)) + after


def _escaped(sign: str) -> str:
    return sign if sign.isalnum() or ord(sign) > 127 else f"\\x{ord(sign):02x}"
