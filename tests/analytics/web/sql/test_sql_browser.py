"""What an analyst does on the page SQL: by keyboard, with a chart; a question is cancelled."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from support.browsing import Site, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Sites = Callable[[str], Site]
PATIENCE = 60_000
BY_MINUTE = (
    "SELECT date_trunc('minute', timestamp) AS minute, count(*) AS requests "
    "FROM logs GROUP BY ALL ORDER BY minute"
)
# It goes on for a quarter of an hour, in little memory.
ENDLESS = "SELECT sum(sqrt(range)) FROM range(1000000000000)"
SCREENS = {"light": {"theme": "light"}, "dark, 360 px": {"theme": "dark", "width": 360}}


@pytest.mark.parametrize("visitor", SCREENS.values(), ids=SCREENS, indirect=True)
def test_a_statement_is_asked_drawn_and_found_again(site: Sites, visitor: Visitor) -> None:
    """Ctrl-Enter runs it; a chart of two columns; the address is a link; it is asked-before."""
    page = visitor.go(site("shop"), "/sql")
    page.fill("#statement", BY_MINUTE)
    page.press("#statement", "Control+Enter")
    expect(page.locator("#answer h2")).to_contain_text("rows in", timeout=PATIENCE)
    assert page.locator("#answer tbody tr").count() > 10
    for kind in ("line", "bars"):
        page.select_option("#kind", kind)
        expect(page.locator("#chart canvas")).to_have_count(1)
    assert "date_trunc" in page.url
    assert (visitor.breaches(), visitor.complaints, visitor.is_too_wide) == ([], [], False)
    page.reload()
    expect(page.locator("#statement")).to_have_value(BY_MINUTE)
    expect(page.locator("#before li")).to_have_count(1)
    page.click("#forget")
    expect(page.locator("#before li")).to_have_count(0)


def test_names_are_completed_by_keyboard(site: Sites, visitor: Visitor) -> None:
    """Tables, then the columns of those that are named; Escape leaves the text alone."""
    page = visitor.go(site("shop"), "/sql")
    page.fill("#statement", "")
    page.locator("#statement").press_sequentially("SELECT count(*) FROM anoma")
    expect(page.locator("#words li")).to_have_count(1, timeout=PATIENCE)
    page.press("#statement", "ArrowDown")
    page.press("#statement", "Enter")
    expect(page.locator("#statement")).to_have_value("SELECT count(*) FROM anomalies")
    page.locator("#statement").press_sequentially(" WHERE incid")
    expect(page.locator("#words li").first).to_contain_text("incident_id")
    page.press("#statement", "Escape")
    expect(page.locator("#words")).to_be_hidden()
    assert page.input_value("#statement").endswith("WHERE incid")
    assert visitor.breaches() == []


def test_a_question_is_cancelled(site: Sites, visitor: Visitor) -> None:
    """The clock runs; Cancel stops it, also on the server: the next one is answered."""
    page = visitor.go(site("shop"), "/sql")
    page.fill("#statement", ENDLESS)
    page.click("#run")
    expect(page.locator("#state")).to_contain_text(" s", timeout=PATIENCE)
    page.click("#cancel")
    expect(page.locator("#state")).to_have_text("cancelled")
    page.fill("#statement", "SELECT 42 AS number")
    page.click("#run")
    expect(page.locator("#answer td")).to_have_text("42", timeout=PATIENCE)
    assert page.locator("#cancel").is_hidden()


def test_a_refusal_is_shown_in_its_place(site: Sites, visitor: Visitor) -> None:
    """In words, with what to do; the statement stays."""
    page = visitor.go(site("shop"), "/sql")
    page.fill("#statement", "DELETE FROM logs")
    page.click("#run")
    expect(page.locator("#answer pre")).to_contain_text("only reads", timeout=PATIENCE)
    expect(page.locator("#statement")).to_have_value("DELETE FROM logs")
    assert visitor.breaches() == []


def test_a_question_is_kept_and_a_file_comes(site: Sites, visitor: Visitor) -> None:
    """Under a name, for the next visitor; CSV as a download."""
    page = visitor.go(site("shop"), "/sql")
    page.fill("#statement", "SELECT 7 AS kept")
    page.fill("input[name=name]:visible", "seven")
    page.press("input[name=name]:visible", "Enter")
    link = page.get_by_role("link", name="seven")
    expect(link).to_be_visible(timeout=PATIENCE)
    link.click()
    expect(page.locator("#statement")).to_have_value("SELECT 7 AS kept", timeout=PATIENCE)
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert download.value.path().read_text() == "kept\n7\n"
    page.get_by_role("button", name="Delete seven").click()
    expect(page.get_by_role("link", name="seven")).to_have_count(0, timeout=PATIENCE)
