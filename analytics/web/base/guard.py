"""The guard: checks every request before anything else, and sets the headers of every answer."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from analytics.web.base.access import Access
from lakehouse.http.bounds import HEALTH, Refusal, Refuse
from lakehouse.http.hosts import Hosts, is_foreign, is_visit

STATIC = "/static/"
OPEN = (STATIC, "/login", "/logout")
# What is fetched by our own scripts and by programs, and never visited from elsewhere.
FETCHED = ("/api/", "/metrics", "/live", "/explore.csv", "/explore/tail", "/ingest/live", "/logout")
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
UNKNOWN_HOST = Refusal(
    HTTPStatus.MISDIRECTED_REQUEST,
    "this server does not go by that name",
    "ask it by an address that it printed, or list the name in LOGPOND_WEB_HOSTS",
)
FOREIGN = Refusal(HTTPStatus.FORBIDDEN, "another site asked for this", "open it by itself")


class Guard:
    """The middleware. `refuse` makes the answer to a request that is refused."""

    def __init__(self, app: ASGIApp, access: Access, hosts: Hosts, refuse: Refuse) -> None:
        self._app, self._access, self._hosts, self._refuse = app, access, hosts, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if not scope["path"].startswith(STATIC):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await (self._answer(scope) or self._app)(scope, receive, headed)

    def _answer(self, scope: Scope) -> ASGIApp | None:
        """Returns the answer to give instead of the page; None where the request may pass."""
        headers, path = Headers(scope=scope), scope["path"]
        if not self._hosts.knows(headers.get("host", "")):
            return self._refuse(scope, UNKNOWN_HOST)
        if path.startswith(STATIC) or path in HEALTH:
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if is_foreign(headers) and not _may_visit(scope, headers, dict(query)):
            return self._refuse(scope, FOREIGN)
        if path.startswith(OPEN):
            return None
        secret = dict(query).get("token")
        if secret is not None and scope["method"] == "GET":
            return self._by_link(scope, secret, query)
        refusal = self._access.refusal(scope)
        if refusal is None:
            return None
        if refusal.status == HTTPStatus.UNAUTHORIZED and "text/html" in headers.get("accept", ""):
            return RedirectResponse("/login", HTTPStatus.SEE_OTHER)
        return self._refuse(scope, refusal)

    def _by_link(self, scope: Scope, secret: str, query: list[tuple[str, str]]) -> ASGIApp:
        """Signs in by a link with a token, and redirects to the address without it."""
        rest = urlencode([pair for pair in query if pair[0] != "token"])
        answer = RedirectResponse(f"{scope['path']}{'?' if rest else ''}{rest}", 303)
        if self._access.tokens is None:
            return answer
        found = self._access.take(scope, secret)
        if isinstance(found, Refusal):
            return self._refuse(scope, found)
        return self._access.sign_in(scope, found, answer)


def _may_visit(scope: Scope, headers: Headers, query: dict[str, str]) -> bool:
    """Whether a link from another site may lead here: only to pages that do not take long."""
    is_page = not scope["path"].startswith(FETCHED) and "part" not in query
    return is_page and is_visit(scope["method"], headers)
