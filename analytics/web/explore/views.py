"""Filters of Explore that are kept under a name, in the lake, for all that look at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, urlencode

import msgspec

from analytics.web.explore.filters import FACETS
from analytics.web.explore.parameters import Parameters
from analytics.web.sql.kept import Kept, KeptQuestions
from lakehouse.paths import Places

# What of the address of Explore is a part of a view; a page, a moment and a token are none.
PARTS = (*FACETS, "query", "last", "from", "to", "facet", "show", "by")
MOST_VALUES, LINK = 200, "/explore/view?"
Values = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class View:
    """A kept view: its parameters of Explore, who kept it when, and the link that leads to it."""

    name: str
    values: Values
    who: str
    at: datetime

    @property
    def link(self) -> str:
        """By its name, so that it leads to what is kept under it then."""
        return link(self.name)


class KeptViews(KeptQuestions):
    """All kept views of a lake; of each its parameters as JSON, in which `erase` finds words."""

    noun, page, most = "view", "Explore", 100

    def place(self, places: Places) -> str:
        """Returns where they are kept."""
        return places.views

    def listed(self) -> list[View]:
        """Returns them by name, without those that others have broken."""
        return [View(o.name, found, o.who, o.at) for o in self.all() if (found := _read(o))]

    def values(self, name: str) -> Values:
        """Returns the parameters of Explore of a view. Raises TableError where there is none."""
        return _read(self.get(name))


def kept(name: str, values: Values, who: str, at: datetime) -> Kept:
    """A view as it is kept."""
    return Kept(name, msgspec.json.encode(values).decode(), who, at)


def link(name: str) -> str:
    """The link to the view of a name."""
    return LINK + urlencode({"name": name})


def values_of(given: Parameters) -> dict[str, list[str]]:
    """What of a request is a part of a view; each only where there is something."""
    own = {"query": given.query, "last": given.last, "from": given.since, "to": given.until}
    own |= {"facet": given.fields.facet, "show": given.fields.show, "by": given.fields.by}
    return _parts({**given.values, **{name: [text] for name, text in own.items()}})


def parsed(text: str) -> dict[str, list[str]]:
    """The same of an address, or of what stands behind its question mark; the rest is left out."""
    try:
        given = parse_qs(text.rpartition("?")[2], errors="replace", max_num_fields=MOST_VALUES)
    except ValueError:
        return {}
    return _parts(given)


def _read(one: Kept) -> dict[str, list[str]]:
    try:
        return _parts(msgspec.json.decode(one.statement, type=dict[str, list[str]]))
    except msgspec.DecodeError:
        return {}


def _parts(given: Values) -> dict[str, list[str]]:
    found = {name: [one for one in given.get(name, ()) if one] for name in PARTS}
    return {name: listed for name, listed in found.items() if listed}
