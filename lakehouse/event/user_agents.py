"""Classifies user agents: a client family out of a fixed list, and whether it is a bot. Pure.

A hostile agent cannot add a family to the list. Decision 23 compares this with `ua-parser`.

The first rule that matches counts. Bots and tools come before browsers, because many of them also
claim to be a browser. An agent that no rule matches is a bot if it says so or carries a contact
address (browsers do not); otherwise it is `Other`. Rules are plain substrings, not regular
expressions: an agent takes microseconds.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

OTHER, OTHER_BOT, SCANNER = "Other", "Other bot", "Scanner"
# The telling part comes first; a longer agent is junk or an attack, and costs time to search.
_SEARCHED = 512

_BOTS = {
    "Googlebot": "googlebot|feedfetcher-google|google favicon|google-inspection|apis-google"
    "|adsbot-google|mediapartners-google|googleother|google-extended|google web preview",
    "Bingbot": "bingbot|msnbot|bingpreview|adidxbot",
    "Yahoo Slurp": "yahoo! slurp",
    "Baiduspider": "baiduspider",
    "YandexBot": "yandexbot|yandexmobilebot|yandeximages|yandexmedia|yandexdirect|yandexfavicons"
    "|yandexmetrika|yandexblogs|yandexnews|yadirectfetcher|yandex.com/bots",
    "DuckDuckBot": "duckduckbot|duckduckgo-favicons|duckassistbot",
    "Applebot": "applebot",
    "PetalBot": "petalbot|aspiegelbot",
    "Sogou": "sogou",
    "Amazonbot": "amazonbot",
    "Bytespider": "bytespider",
    "GPTBot": "gptbot|oai-searchbot|chatgpt-user",
    "ClaudeBot": "claudebot|claude-web|claude-user|claude-searchbot|anthropic-ai",
    "CCBot": "ccbot",
    "PerplexityBot": "perplexity",
    "AhrefsBot": "ahrefs",
    "SemrushBot": "semrush",
    "MJ12bot": "mj12bot",
    "Moz": "dotbot|rogerbot|ezooms",
    "Exabot": "exabot",
    "Internet Archive": "archive.org|ia_archiver|heritrix",
    "Facebook": "facebookexternalhit|facebookcatalog|meta-external",
    "Twitterbot": "twitterbot",
    "LinkedInBot": "linkedinbot",
    "Slackbot": "slackbot|slack-imgproxy",
    "Discordbot": "discordbot",
    "Telegrambot": "telegrambot",
    "WhatsApp": "whatsapp",
    "Pinterestbot": "pinterestbot|pinterest/",
    "UptimeRobot": "uptimerobot",
    "Pingdom": "pingdom",
    "StatusCake": "statuscake",
    "Prometheus": "prometheus|blackbox-exporter|blackbox exporter",
    "Health check": "kube-probe|elb-healthchecker|googlehc|healthcheck",
    "curl": "curl/",
    "Wget": "wget/",
    SCANNER: "sqlmap|nikto|nmap|masscan|zgrab|nuclei|gobuster|dirbuster|wpscan|acunetix|nessus"
    "|openvas|censys|shodan|expanse|hydra|burp|zmeu|jorgee|feroxbuster|ffuf|fuzz faster"
    "|netsparker|invicti|w3af|arachni|whatweb|dirsearch|wfuzz|zaproxy|appscan|skipfish|havij"
    "|webinspect|qualys|detectify|sqlninja|jbrofuzz|fimap|commix|xsser|dalfox|leakix|l9explore"
    "|libredtail|morfeus",
    "Headless browser": "headlesschrome|puppeteer|playwright|phantomjs|selenium|lighthouse",
    "Load test": "apachebench|jmeter|wrk/|hey/|siege/|k6/|vegeta|locust|gatling",
    "Python": "python|aiohttp|httpx|scrapy|urllib|feedparser",
    "Java": "java/|jakarta|apache-httpclient|okhttp",
    "Go": "go-http-client|go 1.",
    "Node.js": "axios|node-fetch|undici|node.js|got (",
    "PHP": "guzzlehttp|php/|wordpress/",
    "Ruby": "ruby|faraday|mechanize|chef client",
    "Perl": "libwww-perl|lwp::",
    "PowerShell": "powershell",
    "Postman": "postmanruntime|insomnia",
    "Feed reader": " rss|rss/|feed|liferea|newsblur|netnewswire|reeder/|inoreader|akregator",
    OTHER_BOT: "bot|crawl|spider|slurp|scan|fetch|scrap|monitor|preview|validator|archiver"
    "|http-client|httpclient|http:|https:|+http|www.|@|aggregator",
}
# Families that visit every page of a site, and say so.
CRAWLERS = (
    "Googlebot",
    "Bingbot",
    "Yahoo Slurp",
    "Baiduspider",
    "YandexBot",
    "DuckDuckBot",
    "Applebot",
    "PetalBot",
    "Sogou",
    "Amazonbot",
    "Bytespider",
    "GPTBot",
    "ClaudeBot",
    "CCBot",
    "PerplexityBot",
    "AhrefsBot",
    "SemrushBot",
    "MJ12bot",
    "Moz",
    "Exabot",
    "Internet Archive",
)
_BROWSERS = {
    "Edge": "edg/|edge/|edga/|edgios/",
    "Opera": "opr/|opera|opios/",
    "Samsung Internet": "samsungbrowser/",
    "UC Browser": "ucbrowser|ucweb",
    "Yandex Browser": "yabrowser/",
    "Vivaldi": "vivaldi/",
    "Silk": "silk/",
    "Firefox": "firefox/|fxios/|iceweasel/",
    "Chrome": "chrome/|chromium/|crios/",
    "Internet Explorer": "msie |trident/",
    "Mobile app": "dalvik/|cfnetwork/",
    "Android Browser": "android",
    "Safari": "safari/|applewebkit/",
}


class Client(NamedTuple):
    """A client: its family out of a fixed list, and whether it is a crawler or a tool."""

    family: str | None
    is_bot: bool | None


def classify(agent: str) -> Client:
    """Returns the client of a user agent; both fields are None where the agent is empty."""
    return _classify(agent[:_SEARCHED])


@lru_cache(maxsize=8192)
def _classify(agent: str) -> Client:
    if not agent:
        return Client(None, None)
    # Cubot makes telephones.
    searched = agent.lower().replace("cubot", "")
    return next((client for token, client in _RULES if token in searched), Client(OTHER, False))


_RULES = [
    (token, Client(name, rules is _BOTS))
    for rules in (_BOTS, _BROWSERS)
    for name, tokens in rules.items()
    for token in tokens.split("|")
]
