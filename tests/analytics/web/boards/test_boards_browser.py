"""What people do on a board: put a question on it, lay it out by keyboard, choose its time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from support.browsing import Site, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Sites = Callable[[str], Site]
PATIENCE = 60_000
BY_MINUTE = (
    "SELECT date_trunc('minute', timestamp) AS minute, count(*) AS requests FROM logs "
    "WHERE timestamp >= $from AND timestamp < $to GROUP BY ALL ORDER BY minute"
)


def test_a_question_gets_onto_a_board(site: Sites, visitor: Visitor) -> None:
    """Kept on the page SQL, added there, moved by keyboard, drawn, asked anew; the time changes."""
    shop = site("shop")
    page = visitor.go(shop, "/boards")
    page.get_by_label("Name, of its file").fill("mine")
    page.get_by_label("Title").fill("My board")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("My board", timeout=PATIENCE)
    page.get_by_label("Question or report").select_option("report:services")
    page.get_by_role("button", name="Add").press("Enter")
    expect(page.locator("[data-panel] tbody tr").first).to_be_visible(timeout=PATIENCE)

    page = visitor.go(shop, "/sql")
    page.fill("#statement", BY_MINUTE)
    page.fill("input[name=name]", "by minute")
    page.get_by_role("button", name="Keep").click()
    page.get_by_label("Put").select_option(label="by minute")
    page.locator("select[name=show]").select_option("line")
    page.get_by_label("on the board").select_option("mine")
    page.get_by_role("button", name="Add").press("Enter")
    expect(page.locator("[data-panel] canvas")).to_have_count(1, timeout=PATIENCE)
    visitor.settle()
    assert page.locator("h2").all_inner_texts() == ["services", "by minute"]
    page.get_by_role("link", name="Change this board").click()
    page.get_by_role("button", name="by minute further up").press("Enter")
    expect(page.locator("h2").first).to_have_text("by minute", timeout=PATIENCE)
    visitor.settle()
    assert (visitor.breaches(), visitor.complaints, visitor.is_too_wide) == ([], [], False)
    page.get_by_role("link", name="Done").click()

    expect(page.locator("[data-panel] canvas")).to_have_count(1, timeout=PATIENCE)
    rows = page.locator("[data-panel='1'] [data-body] > .small")
    expect(rows).not_to_contain_text("60 rows")
    page.get_by_role("link", name="1 h", exact=False).first.click()
    expect(rows).to_contain_text("60 rows", timeout=PATIENCE)
    page.clock.install()
    page.get_by_label("Asked anew").select_option("10")
    page.get_by_role("button", name="Show").click()
    expect(rows).to_contain_text("60 rows", timeout=PATIENCE)
    table = page.locator("[data-panel='2'] .scroll")
    table.focus()
    page.evaluate("document.querySelector('[data-panel=\"2\"] table').id = 'old'")
    page.clock.fast_forward(10_000)
    expect(page.locator("#old")).to_have_count(0, timeout=PATIENCE)
    expect(table).to_be_focused()
