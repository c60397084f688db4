"""The query line in a real browser: typing, completion by keyboard, faults at their place."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from support.browsing import Site, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Sites = Callable[[str], Site]
PATIENCE = 60_000


def typing(page: Page, text: str) -> None:
    """Somebody goes to the end of the query and types."""
    page.locator("#query").press("End")
    page.locator("#query").press_sequentially(text)


def test_fields_and_values_are_completed_by_keyboard(site: Sites, visitor: Visitor) -> None:
    """Arrows choose, Enter takes, Enter again asks; what is chosen is told to a screen reader."""
    page = visitor.go(site("app"), "/explore?last=all")
    line, options = page.locator("#query"), page.get_by_role("option")
    typing(page, "serv")
    expect(options.first).to_contain_text("service:", timeout=PATIENCE)
    line.press("ArrowDown")
    expect(line).to_have_attribute("aria-activedescendant", "option-0")
    line.press("Enter")
    expect(line).to_have_value("service:")
    typing(page, "c")
    expect(options).to_contain_text(["cart", "checkout"], timeout=PATIENCE)
    line.press("ArrowUp")
    line.press("Tab")
    expect(line).to_have_value("service:checkout ")
    line.press("Escape")
    line.press("Enter")
    expect(page.locator(".sum")).to_contain_text("10 rows", timeout=PATIENCE)
    assert visitor.complaints == []


def test_a_fault_is_shown_while_somebody_goes_on(site: Sites, visitor: Visitor) -> None:
    """Below its place, once more is typed behind it; mended, it is gone."""
    page = visitor.go(site("app"), "/explore?last=all")
    fault = page.locator("#fault")
    typing(page, "statux:5 ")
    expect(fault.locator("pre")).to_have_text("statux:5 \n^^^^^^^", timeout=PATIENCE)
    expect(page.locator("#query")).to_have_attribute("aria-invalid", "")
    page.locator("#query").fill("status:5xx ")
    expect(fault).to_be_empty(timeout=PATIENCE)
    assert visitor.complaints == []


def test_a_fault_keeps_the_query_and_the_focus(site: Sites, visitor: Visitor) -> None:
    """Whoever asked can go on typing."""
    page = visitor.go(site("app"), "/explore?query=statux:5", status=400)
    expect(page.locator("#query")).to_be_focused()
    expect(page.locator("#fault")).to_contain_text("did you mean status:")
    assert visitor.breaches() == []


def test_a_row_offers_its_values(site: Sites, visitor: Visitor) -> None:
    """Opened it shows its stack trace; a click asks for rows with a value, or without it."""
    page = visitor.go(site("app"), "/explore?last=all&query=level:error")
    page.locator(".log summary").first.click()
    expect(page.locator(".log[open] .exception")).to_have_text("Fault\n  at x")
    page.get_by_role("link", name="without rows with this host").first.click()
    expect(page.locator("#query")).to_have_value("level:error -host:web-2", timeout=PATIENCE)
    expect(page.locator(".sum")).to_contain_text("3 rows", timeout=PATIENCE)
    assert visitor.complaints == []


@pytest.mark.parametrize(
    "visitor", [{"theme": "dark"}, {"width": 390}], ids=["dark", "narrow"], indirect=True
)
def test_choices_stay_in_the_address(site: Sites, visitor: Visitor) -> None:
    """A facet, a column and a group by choice, by way of the form; all of it can be read."""
    page = visitor.go(site("app"), "/explore?last=all")
    page.get_by_text("Chart, facets and columns by choice").click()
    for label, name in (("Group the chart by", "level"), ("More facets", "attributes.order_id")):
        page.get_by_label(label).fill(name)
    page.get_by_label("More columns").fill("host")
    page.get_by_role("button", name="Find").click()
    expect(page.locator(".log .cell").first).to_contain_text("host web-", timeout=PATIENCE)
    expect(page.locator(".facets")).to_contain_text("attributes.order_id")
    expect(page.locator(".u-legend")).to_contain_text("ERROR")
    assert (visitor.breaches(), visitor.is_too_wide, visitor.complaints) == ([], False, [])
