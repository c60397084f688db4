"""What is to be erased: values, wherever they are mentioned, and rows that fit a query. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from unicodedata import normalize
from urllib.parse import quote

from lakehouse.duck.types import literal
from lakehouse.erasure import addresses
from lakehouse.erasure.mentions import Mentions, Spelling, escaped
from lakehouse.errors import SettingsError
from lakehouse.query.search import DUCKDB, Node, condition, parse

# A name is mentioned where it is a word of its own: `ann` is not in `anna`, in `ann@example.org`
# or in `mary-ann`, nor is 10.0.0.1 in 10.0.0.12 or in 10.0.0.1.7.
JOINED = "-.@"
NETWORK = re.compile(r"\b(?:ip|address|client_ip):[(\"]*([0-9a-f.:]+/[0-9]{1,3})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Request:
    """Users and addresses to erase, and a query of `logs` whose rows are erased.

    Raises SettingsError where nothing is named, or an address is neither one nor a network.
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
        for given in self.addresses:
            _spellings(given)
        if found := NETWORK.search(self.where):
            raise SettingsError(
                f"{found[0]}: a query compares texts, and takes no network",
                f"give --ip {found[1]}, or a query as --where 'ip:192.0.2.*'",
            )

    @cached_property
    def query(self) -> Node | None:
        """The query as a tree; QueryFault where it is none."""
        return parse(self.where) if self.where.strip() else None

    @cached_property
    def mentions(self) -> Mentions:
        """What finds the values in texts."""
        users = [
            Spelling(escaped(text), text, JOINED) for name in self.users for text in _written(name)
        ]
        return Mentions((*users, *self._of_addresses))

    @cached_property
    def _of_addresses(self) -> list[Spelling]:
        return [one for given in self.addresses for one in _spellings(given)]

    @property
    def named(self) -> str:
        """Whether the user or the address of a row of `logs` is one of them, in DuckDB's SQL."""
        names = [literal(form) for name in self.users for form in _forms(name)]
        found = [f'coalesce("user" IN ({", ".join(names)}), false)'] if names else []
        found += [
            f"coalesce(regexp_full_match(ip, {literal(one.regexp)}), false)"
            for one in self._of_addresses
        ]
        return " OR ".join(found) or "false"

    def rows_of_logs(self, text: str) -> str:
        """Returns which rows of `logs` to erase, in DuckDB's SQL; `text` is all text of a row."""
        found = self.mentions.sql(text)
        return f"({found} OR {condition(self.query, DUCKDB)})" if self.query else found


def _spellings(given: str) -> list[Spelling]:
    try:
        return addresses.spellings(given)
    except ValueError as error:
        raise SettingsError(
            f"{given} is not taken as an address or a network: {error}",
            "give one as 192.0.2.7, 2001:db8::7, 192.0.2.0/24 or 2001:db8::/48",
        ) from None


def _forms(name: str) -> list[str]:
    """A name as it is, and with its accents as signs of their own, and as parts of letters."""
    return [*dict.fromkeys((name, normalize("NFC", name), normalize("NFD", name)))]


def _written(name: str) -> list[str]:
    """A name as it is, as JSON may escape it, and as addresses encode it, in each of its forms."""
    return [*dict.fromkeys(text for form in _forms(name) for text in _encoded(form))]


def _encoded(name: str) -> Iterator[str]:
    in_json, in_addresses = json.dumps(name)[1:-1], (quote(name, safe=""), quote(name, safe="@"))
    yield from (name, json.dumps(name, ensure_ascii=False)[1:-1])
    yield from (in_json, re.sub(r"(?<=\\u)[0-9a-f]{4}", _upper, in_json))
    yield from in_addresses
    yield from (re.sub("%[0-9A-F]{2}", _lower, one) for one in in_addresses)


def _upper(found: re.Match[str]) -> str:
    return found[0].upper()


def _lower(found: re.Match[str]) -> str:
    return found[0].lower()
