"""Pages, and the view of one request: the lake at a moment, links, templates."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode, urlsplit

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from jinja2 import FileSystemLoader

from analytics import web
from analytics.web.base.access import Access
from analytics.web.lake.commands import Commands
from analytics.web.lake.lake import Lake, Snapshot
from lakehouse.errors import SettingsError
from lakehouse.setting_checks import TRACE_ID
from lakehouse.tables.tag import NAME
from lakehouse.terminal import times as moments
from lakehouse.terminal.html import spark, templates
from lakehouse.terminal.times import NOW, Moment

STATIC = Path(__file__).parents[1] / "static"


def asset(name: str) -> str:
    """Returns the address of a static file, which changes with its content."""
    return f"/static/{name}?{(STATIC / name).stat().st_mtime_ns:x}"


# A template is named by the folder of its page: `home/page.html`.
TEMPLATES = templates(FileSystemLoader([*web.__path__]))
TEMPLATES.globals |= {"asset": asset, "spark": spark}
# a block that is shown alone does not see what its template imports
TEMPLATES.globals["parts"] = TEMPLATES.get_template("base/parts.html").module


VERSION, NEGATIVE = re.compile(r"\d{1,9}"), re.compile(r"-\d+")
AS_OF = Query(
    description="A version of `logs` or its name, a time (RFC 3339, a date), or -10m; newest where "
    "empty.",
    max_length=64,
)


@dataclass(frozen=True)
class Page:
    """An entry of the navigation, with its routes. `name` is that of its folder.

    Entries are in order of `order`, then of `name`.
    """

    name: str
    title: str
    path: str
    router: APIRouter
    order: int


@dataclass
class View:
    """One request: the lake at the moment that it asks for, and links from this page."""

    request: Request
    moment: Moment
    as_of: str

    @property
    def lake(self) -> Lake:
        """The lake of this server."""
        found: Lake = self.request.app.state.lake
        return found

    @property
    def commands(self) -> Commands:
        """Runs commands in child processes, for answers that take long."""
        found: Commands = self.request.app.state.commands
        return found

    @property
    def is_signed_in(self) -> bool:
        """Whether the browser has a session, which can be ended."""
        access: Access = self.request.app.state.access
        return access.session(self.request.scope) is not None

    @property
    def may_write(self) -> bool:
        """Whether who asks may act on incidents and name versions, as they are now."""
        access: Access = self.request.app.state.access
        return self.snapshot.is_live and access.may_write(self.request.scope)

    @property
    def who(self) -> str:
        """Who asks, by the name of a token or of a user."""
        access: Access = self.request.app.state.access
        return access.who(self.request.scope)

    def trace_elsewhere(self, trace_id: str) -> tuple[str, str] | None:
        """Returns the host and the link of a trace in another program; None where none is set."""
        address: str = self.request.app.state.trace_url
        encoded = quote(trace_id, safe="", errors="replace")
        host = urlsplit(address).hostname or ""
        return (host, address.replace(TRACE_ID, encoded)) if address else None

    @cached_property
    def snapshot(self) -> Snapshot:
        """The lake at the moment of the request."""
        return self.lake.at(self.moment)

    def render(self, of: Page, template: str = "page.html", **values: Any) -> HTMLResponse:
        """Renders a template of the page's folder with these values.

        With `?part=NAME` only that block of the template is rendered, for live parts.
        """
        return self._render(f"{of.name}/{template}", page=of, **values)

    def render_empty(self, of: Page) -> HTMLResponse:
        """Renders, instead of a page, how to get rows into an empty lake."""
        return self._render("base/empty.html", page=of, where=self.lake.places.lake)

    def _render(self, template: str, **values: Any) -> HTMLResponse:
        found = TEMPLATES.get_template(template)
        known = {"view": self, "pages": self.request.app.state.pages, **values}
        block = found.blocks.get(self.request.query_params.get("part", ""))
        if block:
            return HTMLResponse("".join(block(found.new_context(known))))
        return HTMLResponse(found.render(known))

    def link(self, path: str = "", **changes: str | Sequence[str] | None) -> str:
        """Returns a link to this view with some parameters changed; None removes one."""
        given = self.request.query_params
        values: dict[str, str | Sequence[str] | None] = {
            name: given.getlist(name) for name in given if name != "part"
        } | changes
        return _url(path or self.request.url.path, values)

    def to(self, path: str, **values: str | Sequence[str] | None) -> str:
        """Returns a link to another page at the same moment."""
        given = {"as_of": self.as_of, **values}
        return _url(path, given)

    def others(self, *but: str) -> list[tuple[str, str]]:
        """Returns the parameters of this view except these, for hidden inputs of a form."""
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
    """Returns the view of a request. Raises SettingsError for an `as_of` that cannot be parsed."""
    return View(request, moment_of(as_of.strip()), as_of.strip())


def moment_of(text: str) -> Moment:
    """Parses a version number, a name or a time. Raises SettingsError where it is none of them."""
    if not text:
        return NOW
    if NEGATIVE.fullmatch(text):
        raise SettingsError(f"as_of {text}: versions count from 0", "write a time ago as -10m")
    if VERSION.fullmatch(text):
        return Moment(version=int(text))
    if NAME.fullmatch(text):  # no time begins with a letter
        return Moment(name=text)
    return Moment(as_of=moments.state_time(text, datetime.now(UTC), "as_of"))


Viewed = Annotated[View, Depends(viewed)]
