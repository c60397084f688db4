"""A page as a value, and what a request to one needs: the lake at a moment, and its links."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from analytics.web.base.templates import TEMPLATES
from analytics.web.lake.commands import Chores
from analytics.web.lake.lake import Lake, Snapshot
from lakehouse.terminal import times as moments
from lakehouse.terminal.times import NOW, Moment

VERSION = re.compile(r"\d{1,15}")
AS_OF = Query(
    description="A version of `logs`, a time (RFC 3339, a date), or -10m; newest where empty.",
    max_length=64,
)


@dataclass(frozen=True)
class Page:
    """One entry of the navigation, with its routes."""

    name: str
    title: str
    path: str
    router: APIRouter


@dataclass
class View:
    """One request: the lake at the moment that it asks for, and links from where it is."""

    request: Request
    moment: Moment
    as_of: str

    @property
    def lake(self) -> Lake:
        """The lake of this server."""
        found: Lake = self.request.app.state.lake
        return found

    @property
    def chores(self) -> Chores:
        """What takes long, in processes of their own."""
        found: Chores = self.request.app.state.chores
        return found

    @cached_property
    def snapshot(self) -> Snapshot:
        """The lake at the moment of the request."""
        return self.lake.at(self.moment)

    def page(self, of: Page, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """A page; `?part=NAME` answers with that block of the template alone, for live parts."""
        found = TEMPLATES.get_template(template)
        known = {"page": of, "view": self, "pages": self.request.app.state.pages, **values}
        block = found.blocks.get(self.request.query_params.get("part", ""))
        if block:
            return HTMLResponse("".join(block(found.new_context(known))), status)
        return HTMLResponse(found.render(known), status)

    def empty(self, of: Page) -> HTMLResponse:
        """What a page says while the lake has no rows."""
        return self.page(of, "empty.html", where=self.lake.places.lake)

    def link(self, path: str = "", **changes: str | Sequence[str] | None) -> str:
        """This very view with some of its parameters changed; None takes one away."""
        given = self.request.query_params
        asked: dict[str, str | Sequence[str] | None] = {
            name: given.getlist(name) for name in given if name != "part"
        } | changes
        return _url(path or self.request.url.path, asked)

    def to(self, path: str, **values: str | Sequence[str] | None) -> str:
        """A link to another page, at the same moment."""
        given = {"as_of": self.as_of, **values}
        return _url(path, given)

    def others(self, *but: str) -> list[tuple[str, str]]:
        """The parameters of this view but for these, as a form sends them along."""
        return [
            (k, v)
            for k, v in self.request.query_params.multi_items()
            if k not in (*but, "part") and v
        ]


def _url(path: str, values: Mapping[str, str | Sequence[str] | None]) -> str:
    listed = {n: [value] if isinstance(value, str) else value or () for n, value in values.items()}
    pairs = [(name, one) for name, value in listed.items() for one in value if one]
    return path + (f"?{urlencode(pairs)}" if pairs else "")


def viewed(request: Request, as_of: Annotated[str, AS_OF] = "") -> View:
    """The view of a request; SettingsError where `as_of` is neither a version nor a time."""
    return View(request, moment_of(as_of.strip()), as_of.strip())


def moment_of(text: str) -> Moment:
    """The moment that a person means by a version or a time."""
    if not text:
        return NOW
    if VERSION.fullmatch(text):
        return Moment(version=int(text))
    return Moment(as_of=moments.time(text, datetime.now(UTC), "as_of"))


Viewed = Annotated[View, Depends(viewed)]
