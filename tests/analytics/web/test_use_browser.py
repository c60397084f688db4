"""What a person does with the pages: keyboard, the slider, explaining, a stream that is down."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from support.browsing import Site, Visitor
from support.sites import recent

from lakehouse.store.lock import alone

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Sites = Callable[[str], Site]
PATIENCE = 60_000


def test_the_first_tab_skips_to_the_content(site: Sites, visitor: Visitor) -> None:
    """Then the navigation, in its order."""
    page = visitor.go(site("shop"), "/tables")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_every_page_is_reached_by_keyboard(site: Sites, visitor: Visitor) -> None:
    """Each link of the navigation can have the focus, and says where one is."""
    page = visitor.go(site("shop"), "/")
    for name in ("Explore", "SQL", "Incidents", "Time travel", "Tables", "Pipeline"):
        page.get_by_role("navigation").get_by_role("link", name=name).focus()
        page.keyboard.press("Enter")
        expect(page.locator("nav [aria-current=page]")).to_have_text(name, timeout=PATIENCE)
    assert visitor.complaints == []


def test_the_slider_tells_of_each_version(site: Sites, visitor: Visitor) -> None:
    """An arrow key is a version; what was there is told, and the links lead there."""
    page = visitor.go(site("shop"), "/travel")
    newest = int(page.locator("[type=range]").input_value())
    page.locator("[type=range]").press("ArrowLeft")

    link = page.get_by_role("link", name="Home then")
    expect(link).to_have_attribute("href", f"/?as_of={newest - 1}", timeout=PATIENCE)
    link.click()
    expect(page.get_by_role("status")).to_contain_text(f"version {newest - 1} of logs")
    assert visitor.complaints == []


def test_two_versions_are_compared(site: Sites, visitor: Visitor) -> None:
    """The rows that came between them, by partition."""
    page = visitor.go(site("shop"), "/travel?version=1&against=2")
    told = page.locator("#difference")
    expect(told).to_contain_text("date=2026-04-29/hour=2", timeout=PATIENCE)
    expect(told).to_contain_text("+49")
    assert visitor.complaints == []


def test_an_incident_is_drawn_with_its_band_and_explained(site: Sites, visitor: Visitor) -> None:
    """What was expected comes when the page is there; the numbers again when one asks."""
    page = visitor.go(site("shop"), "/incidents")
    page.locator(".incidents > li > a").first.click()
    expect(page.locator("#seen")).to_contain_text("surprised nobody", timeout=PATIENCE)
    page.get_by_role("button", name="Explain").press("Enter")
    expect(page.locator("#explained pre")).to_contain_text("folded_to", timeout=PATIENCE)
    assert visitor.complaints == []


def test_filters_of_incidents_are_links(site: Sites, visitor: Visitor) -> None:
    """A value chosen stays in the address, and is dropped by a second click."""
    page = visitor.go(site("shop"), "/incidents")
    page.locator(".filters").get_by_role("link", name="traffic").click()
    expect(page).to_have_url(f"{site('shop').address}/incidents?measure=traffic")
    page.locator(".filters").get_by_role("link", name="traffic").click()
    expect(page).to_have_url(f"{site('shop').address}/incidents")
    assert visitor.complaints == []


def test_a_stream_that_is_down_is_said(site: Sites, visitor: Visitor) -> None:
    """With what starts it; Kafka away is said too, and the rows are shown all the same."""
    page = visitor.go(site("shop"), "/pipeline")
    main = page.locator("main")
    expect(main).to_contain_text("Ingest does not run")
    expect(main).to_contain_text("logpond stream")
    expect(main).to_contain_text("Kafka does not answer")
    expect(page.locator("#rejected + *")).to_contain_text("syntax 3")
    assert visitor.complaints == []


def test_a_stream_that_runs_is_said(site: Sites, visitor: Visitor) -> None:
    """By its lock, which it holds."""
    shop = site("running")
    with alone(shop.lake.places.ledger("ingest"), "a stream"):
        page = visitor.go(shop, "/pipeline")
        expect(page.get_by_role("row", name="ingest")).to_contain_text("runs")
    assert visitor.complaints == []


def test_a_version_that_is_gone_says_what_can_be_read(site: Sites, visitor: Visitor) -> None:
    """No stack trace; a version that never was is the same."""
    page = visitor.go(site("shop"), "/travel?version=4711", status=404)
    expect(page.locator("main")).to_contain_text("logpond history logs")
    assert [said for said in visitor.complaints if "404" not in said] == []


def test_the_promise_is_verified_on_a_click(site: Sites, visitor: Visitor) -> None:
    """In a process beside the server; the answer stays, with its time."""
    page = visitor.go(site("running"), "/pipeline")
    page.get_by_role("button", name="Verify now").click()
    expect(page.locator("#verdict .verdict")).to_have_text("The promise holds", timeout=PATIENCE)
    visitor.go(site("running"), "/pipeline")
    expect(page.locator("#verdict")).to_contain_text("Verify again")
    assert visitor.complaints == []


def test_new_rows_are_shown_without_a_click(site: Sites, visitor: Visitor) -> None:
    """A commit is told by the server, and the figures follow."""
    running = site("running")
    page = visitor.go(running, "/tables")
    before = page.locator("tbody tr").first.inner_text()
    running.lake.payload = recent
    running.lake.batch(2, {0: 30})
    expect(page.locator("tbody tr").first).not_to_have_text(before, timeout=PATIENCE)
    assert visitor.complaints == []


def test_the_theme_stays(site: Sites, visitor: Visitor) -> None:
    """What was chosen by the button is there on the next page, before the first paint."""
    page = visitor.go(site("shop"), "/tables")
    page.get_by_role("button", name="Dark or light").press("Enter")
    visitor.go(site("shop"), "/travel")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.parametrize("visitor", [{"width": 360, "theme": "dark"}], indirect=True)
def test_an_incident_is_acted_on_by_keyboard(site: Sites, visitor: Visitor) -> None:
    """Commented, acknowledged, muted and resolved on a small screen; each is there at once."""
    page = visitor.go(site("shop"), "/incidents")
    page.locator(".incidents > li > a").last.click()
    text = page.get_by_label("Comment, or why")
    text.focus()
    page.keyboard.type("rolled back <b>now</b>")
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Comment")
    page.keyboard.press("Enter")
    done = page.locator(".actions li")
    expect(done).to_have_count(1, timeout=PATIENCE)
    expect(done.first).to_contain_text("rolled back <b>now</b>")

    for count, name in enumerate(("Acknowledge", "Mute", "Resolve"), 2):
        page.get_by_role("button", name=name).press("Enter")
        expect(done).to_have_count(count, timeout=PATIENCE)
    expect(done.nth(2)).to_contain_text("muted until")
    assert (visitor.breaches(), visitor.complaints, visitor.is_too_wide) == ([], [], False)
