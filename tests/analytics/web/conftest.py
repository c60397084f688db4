"""One Chromium and one server a lake for all tests of the pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, sync_playwright
from support.browsing import ARGUMENTS, Site, Visitor
from support.pages import server
from support.sites import SITES

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's browser; where there is none, the tests are skipped, but not in CI."""
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        why = f"no browser: none of {', '.join(CHROMIUM)} is installed"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Site]]:
    """The pages of a lake by its name, each built and served once."""
    known: dict[str, Site] = {}
    with ExitStack() as servers:

        def named(name: str) -> Site:
            if name not in known:
                lake = SITES[name](tmp_path_factory.mktemp(name))
                known[name] = Site(lake, servers.enter_context(server(lake)))
            return known[name]

        yield named


@pytest.fixture
def visitor(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """Somebody with a browser of their own; `theme` and `width` may be parameters."""
    asked = getattr(request, "param", {})
    with Visitor.arriving(chromium, **asked) as one:
        yield one
