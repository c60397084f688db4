"""User agents: families and bots."""

from __future__ import annotations

import pytest

from lakehouse.event.user_agents import classify

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 "
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 "
AGENTS = {
    CHROME + "Safari/537.36": ("Chrome", False),
    CHROME + "Safari/537.36 Edg/124.0": ("Edge", False),
    CHROME + "Safari/537.36 OPR/109.0": ("Opera", False),
    CHROME + "Safari/537.36 (compatible; bingbot/2.0; +http://bing.com/bot)": ("Bingbot", True),
    CHROME.replace("Chrome", "HeadlessChrome") + "Safari/537.36": ("Headless browser", True),
    PHONE + "Version/17.4 Mobile/15E148 Safari/604.1": ("Safari", False),
    PHONE + "(compatible; Googlebot/2.1; +http://www.google.com/bot.html)": ("Googlebot", True),
    "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0": ("Firefox", False),
    "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko": ("Internet Explorer", False),
    "Mozilla/5.0 (Linux; Android 9; CUBOT X19) Chrome/90.0 Mobile Safari/537.36": ("Chrome", False),
    "curl/8.5.0": ("curl", True),
    "Wget/1.21": ("Wget", True),
    "python-requests/2.31.0": ("Python", True),
    "Go-http-client/1.1": ("Go", True),
    "kube-probe/1.29": ("Health check", True),
    "sqlmap/1.8 (https://sqlmap.org)": ("Scanner", True),
    "SomeNewCrawler/0.1": ("Other bot", True),
    "Acme/1.0 (ops@example.com)": ("Other bot", True),
    "Nokia3310/1.0": ("Other", False),
    "x" * 10_000 + "Googlebot": ("Other", False),
    "": (None, None),
}


@pytest.mark.parametrize("agent", AGENTS)
def test_an_agent_has_its_family(agent: str) -> None:
    """Bots and tools are told from browsers, also where they claim to be one."""
    assert classify(agent) == AGENTS[agent]


@pytest.mark.parametrize("name", ["Qxzw83bot", "Zork77Crawler", "Zorkspider"])
def test_no_agent_makes_up_a_family(name: str) -> None:
    """Families are a fixed list, so that nobody can fill a table that is grouped by them."""
    assert classify(f"{name}/1.0") == ("Other bot", True)
