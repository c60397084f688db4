"""Who may ask: who has a token or a session, and on this machine the user who runs the server."""

from __future__ import annotations

import hashlib
import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from lakehouse.http import peer
from lakehouse.http.attempts import AUDIT, Attempts
from lakehouse.http.bounds import Refusal
from lakehouse.http.hosts import is_loopback
from lakehouse.http.tokens import METRICS, READ, Token, Tokens
from lakehouse.paths import Places
from lakehouse.settings import Web

SESSIONS_KEPT = 1000
COOKIE = "logpond"


@dataclass
class Sessions:
    """Browsers that have shown a token, until their time is over; a restart ends them all.

    A browser has a random name in its cookie. Here is its hash, and the token that it came by.
    """

    seconds: float = 12 * 3600.0
    clock: Callable[[], float] = time.monotonic
    _known: OrderedDict[str, tuple[Token, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, token: Token) -> str:
        """The name of a new session."""
        name = secrets.token_urlsafe(32)
        with self._lock:
            self._known[_hash(name)] = token, self.clock() + self.seconds
            while len(self._known) > SESSIONS_KEPT:
                self._known.popitem(last=False)
        return name

    def token(self, name: str) -> Token | None:
        """The token that a session came by; None where there is none, or it is over."""
        with self._lock:
            token, until = self._known.get(_hash(name), (None, 0.0))
        return token if self.clock() < until else None

    def end(self, name: str) -> None:
        """Forget a session."""
        with self._lock:
            self._known.pop(_hash(name), None)


@dataclass
class Access:
    """Decides on each request. Without `tokens` anybody may ask; that is for tests."""

    tokens: Tokens | None = None
    is_open_to_own_user: bool = False
    sessions: Sessions = field(default_factory=Sessions)
    attempts: Attempts = field(default_factory=Attempts)

    @classmethod
    def of(cls, places: Places, web: Web) -> Access:
        """The access that settings give. Other users of this machine need a token as well."""
        chosen = web.token.get_secret_value()
        is_private = is_loopback(web.host) and not (chosen or web.hosts) and peer.can_tell()
        sessions = Sessions(web.session_hours * 3600)
        return cls(Tokens.of(places, chosen), is_private, sessions)

    def first_token(self) -> str:
        """A token for a person who has none yet; empty where nobody needs one, or has one."""
        needs_none = self.tokens is None or self.is_open_to_own_user
        return "" if self.tokens is None or needs_none else self.tokens.first()

    def refusal(self, scope: Scope) -> Refusal | None:
        """Why this request may not be answered; None where it may."""
        headers = Headers(scope=scope)
        if self.tokens is None:
            return None
        kind, _, given = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            found = self.take(scope, given.strip())
            return found if isinstance(found, Refusal) else _beyond(found, scope)
        signed_in = self.session(scope)
        if signed_in:
            return _beyond(signed_in, scope)
        is_own = self.is_open_to_own_user and _connection(scope, "is_own_user")
        return None if is_own else MISSING

    def take(self, scope: Scope, secret: str) -> Token | Refusal:
        """The token of a secret. A wrong one makes its address wait before the next one."""
        address = (scope.get("client") or ("", 0))[0]
        wait = math.ceil(self.attempts.wait(address))
        if wait:
            return Refusal(
                HTTPStatus.TOO_MANY_REQUESTS,
                "too many wrong tokens came from this address",
                f"try again in {wait} s",
                (("Retry-After", str(wait)),),
            )
        found = self.tokens.find(secret) if self.tokens else None
        if found is None:
            self.attempts.wrong(address, scope["path"])
        return found or WRONG

    def session(self, scope: Scope) -> Token | None:
        """The token of the session of a browser; None where there is none."""
        found = self.sessions.token(_cookie(scope))
        return found if found and self.tokens and self.tokens.has(found) else None

    def sign_in(self, scope: Scope, token: Token, answer: Response) -> Response:
        """Give the browser a session, by this answer."""
        AUDIT.info("%s signed in with token %s", (scope.get("client") or ("?", 0))[0], token.name)
        answer.set_cookie(
            cookie_name(scope),
            self.sessions.begin(token),
            max_age=int(self.sessions.seconds),
            httponly=True,
            samesite="strict",
            secure=scope["scheme"] == "https",
        )
        return answer

    def sign_out(self, scope: Scope, answer: Response) -> Response:
        """End the session of a browser, here and there."""
        self.sessions.end(_cookie(scope))
        is_secure = scope["scheme"] == "https"
        answer.delete_cookie(cookie_name(scope), secure=is_secure, httponly=True, samesite="strict")
        return answer


MISSING = Refusal(
    HTTPStatus.UNAUTHORIZED,
    "the token is missing",
    "send Authorization: Bearer ...; `logpond token create NAME` makes one",
    (("WWW-Authenticate", "Bearer"),),
)
WRONG = Refusal(
    HTTPStatus.UNAUTHORIZED,
    "that is not the token",
    "`logpond token list` names those that there are",
    (("WWW-Authenticate", 'Bearer error="invalid_token"'),),
)


def cookie_name(scope: Scope) -> str:
    """The name of the cookie; by TLS one that no other host and no plain page can set."""
    return f"__Host-{COOKIE}" if scope["scheme"] == "https" else COOKIE


def _beyond(token: Token, scope: Scope) -> Refusal | None:
    """Why a token does not open what is asked for; None where it does."""
    needed = METRICS if scope["path"] == "/metrics" else READ
    if token.covers(needed):
        return None
    what = f"this token is for {token.scope}, and this page needs {needed}"
    return Refusal(HTTPStatus.FORBIDDEN, what, "use another token")


def _connection(scope: Scope, fact: str) -> bool:
    return bool(getattr(scope.get("state", {}).get("connection"), fact, False))


def _cookie(scope: Scope) -> str:
    try:
        found = SimpleCookie(Headers(scope=scope).get("cookie", "")).get(cookie_name(scope))
    except CookieError:
        return ""
    return found.value if found else ""


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
