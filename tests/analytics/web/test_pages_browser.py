"""Every page in a real browser: with data, empty, full of naughty texts; narrow, dark and light."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest
from support.browsing import Site, Visitor
from support.sites import TEXTS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATHS = (
    "/",
    "/explore?last=15m&status=5xx",
    "/explore/compare?last=1h",
    "/incidents",
    "/sql",
    "/boards",
    "/boards/overview",
    "/travel",
    "/travel?table=anomalies",
    "/tables",
    "/tables?table=logs_windowed",
    "/pipeline",
    "/ingest?collector=nginx",
)
ONE = "an incident"
VIEWS = "/explore/views?service=shop&query=status:5xx"
# Of the newest event of a lake that is part of a trace.
OF_EVENT = {
    "a trace": "/explore/trace?id={trace_id}&at={timestamp}",
    "around an event": "/explore/context?id={event_id}&at={timestamp}&same=service",
}
SCREENS = {"light": {"theme": "light"}, "dark, 360 px": {"theme": "dark", "width": 360}}
on_each_screen = pytest.mark.parametrize("visitor", SCREENS.values(), ids=SCREENS, indirect=True)
on_a_small_one = pytest.mark.parametrize("visitor", [{"width": 360}], ids=["360 px"], indirect=True)
Sites = Callable[[str], Site]


def path_of(site: Site, visitor: Visitor, path: str) -> str:
    """The path; of an incident, that of the first in the list; of an event, the newest one."""
    if path in OF_EVENT:
        traced = f"{site.address}/api/explore?last=all&query=trace_id:*"
        row = visitor.page.request.get(traced).json()["part"]["rows"][0]
        return OF_EVENT[path].format(**{name: quote(str(of)) for name, of in row.items()})
    if path != ONE:
        return path
    first = visitor.page.request.get(f"{site.address}/api/incidents").json()["incidents"][0]
    return f"/incidents/{first['incident_id']}"


@pytest.mark.parametrize("path", [*PATHS, *OF_EVENT, VIEWS, ONE])
@on_each_screen
def test_a_page_is_whole_and_accessible(site: Sites, visitor: Visitor, path: str) -> None:
    """No error, no refused part, nothing that axe-core finds serious, nothing out of sight."""
    shop = site("shop")
    page = visitor.go(shop, path_of(shop, visitor, path))

    assert page.locator("main h1").count() == 1
    assert (visitor.breaches(), visitor.complaints, visitor.is_too_wide) == ([], [], False)


@pytest.mark.parametrize("path", PATHS)
def test_an_empty_lake_says_what_to_do(site: Sites, visitor: Visitor, path: str) -> None:
    """A command, in place of a page without rows; accessible too."""
    visitor.go(site("nothing"), path)

    assert "logpond up" in visitor.page.inner_text("main")
    assert visitor.breaches() == []


OPENED = (*PATHS, *OF_EVENT, "/explore?last=24h", "/boards/broken")


@pytest.mark.parametrize("path", OPENED)
@on_a_small_one
def test_naughty_texts_are_inert(site: Sites, visitor: Visitor, path: str) -> None:
    """They are shown, and do nothing; no page gets wider than a small screen."""
    nasty = site("nasty")
    visitor.go(nasty, path_of(nasty, visitor, path))

    assert visitor.complaints == []
    assert visitor.page.locator("main :is(img[onerror], svg[onload], main script)").count() == 0
    assert not visitor.is_too_wide


@on_a_small_one
def test_an_incident_of_naughty_texts_is_inert(site: Sites, visitor: Visitor) -> None:
    """Its sentence, names, reasons and contributors are words, whatever they are."""
    page = visitor.go(site("nasty"), f"/incidents/{len(TEXTS) - 1:016x}")

    assert page.locator("main :is(img, script, svg[onload])").count() == 0
    assert not visitor.is_too_wide
    assert [said for said in visitor.complaints if "503" not in said] == []
