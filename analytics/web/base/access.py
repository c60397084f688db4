"""Decides who may ask: with a token, with a session, or as the user who runs the server."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from lakehouse.http import peer
from lakehouse.http.attempts import AUDIT, Attempts
from lakehouse.http.bounds import Refusal, unauthorized
from lakehouse.http.presented import WRONG, beyond, presented
from lakehouse.http.tokens import METRICS, READ, WRITE, Token, Tokens
from lakehouse.paths import Places
from lakehouse.runtime import rights
from lakehouse.settings import Settings

SESSIONS_KEPT = 1000
COOKIE = "logpond"
# What is posted and changes nothing: a token is shown, rows are counted, a statement reads.
ASKED = ("/login", "/logout", "/api/verify", "/sql", "/sql/export", "/api/sql")


@dataclass
class Sessions:
    """Sessions of browsers that have shown a token, until they expire; a restart ends all.

    A browser has a random name in its cookie. Only its hash is kept here, with the token.
    """

    seconds: float = 12 * 3600.0
    clock: Callable[[], float] = time.monotonic
    _known: OrderedDict[str, tuple[Token, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, token: Token) -> str:
        """Begins a session, and returns its name."""
        name = secrets.token_urlsafe(32)
        with self._lock:
            self._known[_hash(name)] = token, self.clock() + self.seconds
            while len(self._known) > SESSIONS_KEPT:
                self._known.popitem(last=False)
        return name

    def token(self, name: str) -> Token | None:
        """Returns the token of a session; None where there is none, or it is over."""
        with self._lock:
            token, until = self._known.get(_hash(name), (None, 0.0))
        return token if self.clock() < until else None

    def end(self, name: str) -> None:
        """Ends a session; its cookie is worth nothing from now on."""
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
    def of(cls, places: Places, settings: Settings) -> Access:
        """Returns the access by the settings. Other users of this machine need a token as well."""
        web = settings.web
        for_others = web.token.get_secret_value(), web.hosts, web.proxies
        is_private = peer.needs_no_token(web.host, *for_others)
        sessions = Sessions(web.session_hours * 3600)
        return cls(Tokens.of(places, settings), is_private, sessions)

    def first_token(self) -> str:
        """Returns a token for a first visitor; empty where nobody needs one, or one exists."""
        needs_none = self.tokens is None or self.is_open_to_own_user
        return "" if self.tokens is None or needs_none else self.tokens.first(READ)

    def refusal(self, scope: Scope) -> Refusal | None:
        """Returns why this request may not be answered; None where it may."""
        if self.tokens is None:
            return None
        if secret := _bearer(scope):
            found = self.take(scope, secret)
            return found if isinstance(found, Refusal) else None
        signed_in = self.session(scope)
        if signed_in:
            return beyond(signed_in, _needed(scope))
        return None if self._is_own(scope) else MISSING

    def take(self, scope: Scope, secret: str) -> Token | Refusal:
        """Returns the token of a secret where it opens what is asked for."""
        if self.tokens is None:
            return WRONG
        found = presented(secret, scope, self.tokens, self.attempts)
        refusal = beyond(found, _needed(scope)) if isinstance(found, Token) else None
        return refusal or found

    def session(self, scope: Scope) -> Token | None:
        """Returns the token of a browser's session; None where there is none."""
        found = self.sessions.token(_cookie(scope))
        return found if found and self.tokens and self.tokens.has(found) else None

    def may_write(self, scope: Scope) -> bool:
        """Whether who asks may act on what the pages show."""
        if self.tokens is None:
            return True
        token = self._token(scope)
        return token.covers(WRITE) if token else self._is_own(scope)

    def who(self, scope: Scope) -> str:
        """Returns who asks: the name of the token, or of the user who runs this server."""
        token = self._token(scope)
        return token.name if token else rights.own_user()

    def _token(self, scope: Scope) -> Token | None:
        """Returns the token of a request that may pass; None where it needs none."""
        if secret := _bearer(scope):
            return self.tokens.find(secret) if self.tokens else None
        return self.session(scope)

    def _is_own(self, scope: Scope) -> bool:
        return self.is_open_to_own_user and _connection(scope, "is_own_user")

    def sign_in(self, scope: Scope, token: Token, answer: Response) -> Response:
        """Begins a session, and sets its cookie in this answer."""
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
        """Ends the session of a browser, and deletes its cookie."""
        self.sessions.end(_cookie(scope))
        is_secure = scope["scheme"] == "https"
        answer.delete_cookie(cookie_name(scope), secure=is_secure, httponly=True, samesite="strict")
        return answer


MISSING = unauthorized(
    "the token is missing",
    "send Authorization: Bearer ...; `logpond token create NAME` makes one",
)


def cookie_name(scope: Scope) -> str:
    """Returns the name of the cookie; with TLS one that no other host and no plain page can set."""
    return f"__Host-{COOKIE}" if scope["scheme"] == "https" else COOKIE


def _needed(scope: Scope) -> str:
    """The scope that a request needs: what is no question, and asks for no work, changes something.

    A page that is asked for by a link with a token is a question too.
    """
    if scope["path"] == "/metrics":
        return METRICS
    is_question = scope["method"] in ("GET", "HEAD") or scope["path"] in ASKED
    return READ if is_question else WRITE


def _bearer(scope: Scope) -> str:
    """Returns the secret that a program presents; empty where there is none."""
    kind, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
    return given.strip() if kind.lower() == "bearer" else ""


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
