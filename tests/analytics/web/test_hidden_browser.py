"""Tabs that nobody sees: a browser has six connections to a server, and they keep none."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from support.browsing import Site, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Sites = Callable[[str], Site]
PATIENCE = 60_000
LOOK = """(hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def look(page: Page, away: bool) -> None:
    """Look at another tab, or at this one again."""
    page.evaluate(LOOK, away)


@pytest.mark.parametrize("path", ["/", "/explore?last=all&tail=1"])
def test_nine_tabs_are_open_and_the_tenth_answers(site: Sites, visitor: Visitor, path: str) -> None:
    """Each but the last is hidden; the first is live again once it is seen."""
    address = f"{site('shop').address}{path}"
    tabs = [visitor.page, *(visitor.page.context.new_page() for _ in range(9))]
    for tab in tabs:
        tab.goto(address, wait_until="domcontentloaded", timeout=PATIENCE)
        expect(tab.locator("[data-live-state]").first).to_contain_text("live", timeout=PATIENCE)
        look(tab, away=True)
    with tabs[0].expect_request(lambda asked: "/live" in asked.url or "/tail" in asked.url):
        look(tabs[0], away=False)
    expect(tabs[0].locator("[data-live-state]").first).to_contain_text("live", timeout=PATIENCE)
    assert visitor.complaints == []
