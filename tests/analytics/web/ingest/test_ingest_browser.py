"""The page Ingest in a browser: it turns green by itself, and its buttons copy."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from support.browsing import Site, Visitor
from support.lakes import Lake
from support.pages import server
from support.windows import Pond, logged

from analytics.web.ingest.collectors import COLLECTORS

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_it_turns_green_with_the_first_event(lake: Lake, visitor: Visitor) -> None:
    """Without a reload, once the event is in the table; accessible before and after."""
    pond = Pond(lake)
    pond.arrive(logged([datetime.now(UTC)], service="other"))
    with server(lake) as at:
        page = visitor.go(Site(lake, at), "/ingest?source=cart")
        heading = page.locator("#arrived")
        expect(heading).to_have_text("Waiting for the first event of cart")
        expect(page.locator("[data-live-state]")).to_have_text("live")
        now = datetime.now(UTC)
        pond.arrive(logged([now], service="cart", message="payment failed", _ingested_at=[now]))
        expect(heading).to_have_text("Events of cart arrive", timeout=30_000)
        expect(page.locator("#arrivals td").last).to_have_text("payment failed")
        assert (visitor.breaches(), visitor.complaints) == ([], [])


@pytest.mark.parametrize("by", ["clipboard", "selection"])
def test_a_button_copies_a_snippet(lake: Lake, visitor: Visitor, by: str) -> None:
    """By the clipboard of a browser, or by a selection where a page by plain HTTP has none."""
    if by == "selection":
        visitor.page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: null})")
    visitor.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    with server(lake) as at:
        page = visitor.go(Site(lake, at), "/ingest?collector=vector&source=cart")
        page.click("[data-copy=snippet-1]")
        expect(page.locator("[data-copy=snippet-1]")).to_have_text("Copied")
        other = page.context.new_page()
        other.goto(at)
        copied = other.evaluate("navigator.clipboard.readText()") if by == "clipboard" else ""
        chosen = page.evaluate("getSelection().toString()")
        assert (copied or chosen).strip() == page.inner_text("#snippet-1").strip()
        assert "/ingest/cart" in chosen
    assert visitor.complaints == []


@pytest.mark.parametrize("visitor", [{"width": 360}, {"theme": "dark"}], indirect=True)
def test_every_collector_is_whole_and_accessible(lake: Lake, visitor: Visitor) -> None:
    """On a small screen and in the dark too."""
    with server(lake) as at:
        for name in COLLECTORS:
            visitor.go(Site(lake, at), f"/ingest?collector={name}&source={'x' * 100}")
            found = (visitor.breaches(), visitor.complaints, visitor.is_too_wide)
            assert found == ([], [], False), name
