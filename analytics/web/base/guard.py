"""Who may ask, and what a browser may do with an answer: hosts, the token, headers."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lakehouse.errors import SettingsError

COOKIE = "logpond"
OPEN = ("/static/", "/login", "/healthz", "/readyz")
LOOPBACK_NAMES = ("localhost", "localhost.localdomain")
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() in LOOPBACK_NAMES


def check_address(host: str, token: str) -> None:
    """SettingsError where others could ask without a token."""
    if not token and not is_loopback(host):
        raise SettingsError(
            f"--host {host} can be reached by others, and LOGPOND_WEB_TOKEN is not set",
            "set LOGPOND_WEB_TOKEN to a long secret, or leave --host at 127.0.0.1",
        )


@dataclass
class Key:
    """The token, and what a browser keeps in its place: worthless after a restart."""

    token: str
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    @property
    def cookie(self) -> str:
        """What a browser that knew the token may show instead."""
        return hmac.new(self._salt, self.token.encode(), hashlib.sha256).hexdigest()

    def opens(self, headers: Headers) -> bool:
        """Whether a request knows the token; any does where there is none."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return (
            not self.token
            or (scheme.lower() == "bearer" and self.fits(given.strip()))
            or hmac.compare_digest(_cookie(headers), self.cookie)
        )

    def fits(self, given: str) -> bool:
        """Whether this is the token."""
        return hmac.compare_digest(given.encode(), self.token.encode())


class Guard:
    """Lets a request through, or answers it; gives every answer its headers."""

    def __init__(self, app: ASGIApp, key: Key, host: str) -> None:
        self._app, self._key, self._host = app, key, host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if not scope["path"].startswith("/static/"):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        answer = self._refusal(scope["path"], Headers(scope=scope))
        await (answer or self._app)(scope, receive, headed)

    def _refusal(self, path: str, headers: Headers) -> Response | None:
        # A foreign name that leads here would let its own pages read what only this machine may.
        if not self._key.token and not is_loopback(_name(headers.get("host", ""))):
            return PlainTextResponse(f"this page answers at {self._host} only\n", 421)
        if path.startswith(OPEN) or self._key.opens(headers):
            return None
        if "text/html" in headers.get("accept", ""):
            return RedirectResponse("/login", 303)
        return PlainTextResponse(
            "the token is missing: Authorization: Bearer <LOGPOND_WEB_TOKEN>\n",
            401,
            {"WWW-Authenticate": "Bearer"},
        )


def _name(host: str) -> str:
    """A Host header without its port."""
    return host.partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found and found.value.isascii() else ""
