"""A visitor of the pages: a real browser that notes whatever it complains about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from support.lakes import Lake

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]
# What script out of a log would do, were it run: each leaves a trace.
TRAPS = """
    window.alert = window.confirm = window.prompt = (said) => console.error("ran: " + said);
    addEventListener("securitypolicyviolation", (e) =>
        console.error("policy: " + e.violatedDirective + " " + e.blockedURI));
"""
SERIOUS = ("serious", "critical")


@dataclass(frozen=True)
class Site:
    """A lake and the address of its pages."""

    lake: Lake
    address: str


@dataclass
class Visitor:
    """A browser window; `complaints` are errors, dialogs, refused parts, failed requests."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def arriving(
        cls, browser: Browser, theme: Any = "light", width: int = 1280
    ) -> Iterator[Visitor]:
        """A visitor without a past."""
        with browser.new_context(
            color_scheme=theme, viewport={"width": width, "height": 800}
        ) as context:
            context.add_init_script(TRAPS)
            one = cls(context.new_page())
            one.listen()
            yield one

    def listen(self) -> None:
        """Note what goes wrong from now on."""
        on = self.page.on
        on("dialog", lambda it: (self.complaints.append(f"dialog: {it.message}"), it.dismiss()))
        on("pageerror", lambda it: self.complaints.append(f"error: {it}"))
        on("console", lambda it: it.type == "error" and self.complaints.append(it.text))

    def go(self, site: Site, path: str, status: int = 200) -> Page:
        """Open a page of a site."""
        return self.open(f"{site.address}{path}", status)

    def open(self, url: str, status: int = 200) -> Page:
        """Open a page and wait until all that it fetches later is there."""
        answer = self.page.goto(url, wait_until="domcontentloaded")
        assert answer
        assert answer.status == status, self.page.inner_text("main")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until no part of the page is busy."""
        self.page.locator("[aria-busy=true]").first.wait_for(state="detached", timeout=60_000)

    def breaches(self) -> list[str]:
        """What axe-core finds serious or critical, with the elements."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']}: {node['html'][:200]}"
            for one in found
            if one["impact"] in SERIOUS
            for node in one["nodes"]
        ]

    @property
    def is_too_wide(self) -> bool:
        """Whether the page as a whole has to be moved sideways."""
        told: bool = self.page.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        return told
