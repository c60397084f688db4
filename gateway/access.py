"""Who may send: whoever has a token of the scope `ingest`, or the user who runs the gateway."""

from __future__ import annotations

import base64
import binascii
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from lakehouse.http import peer
from lakehouse.http.attempts import Attempts
from lakehouse.http.bounds import HEALTH, Refusal, Refuse, unauthorized
from lakehouse.http.hosts import Hosts, is_foreign
from lakehouse.http.presented import beyond, presented
from lakehouse.http.tokens import INGEST, Tokens
from lakehouse.paths import Places
from lakehouse.settings import Settings

UNKNOWN_HOST = Refusal(
    HTTPStatus.MISDIRECTED_REQUEST,
    "this server does not go by that name",
    "ask it by an address that it printed, or list the name in LOGPOND_GATEWAY_HOSTS",
)
FOREIGN = Refusal(HTTPStatus.FORBIDDEN, "a page of another site asked for this")
MISSING = unauthorized(
    "the token is missing",
    "send Authorization: Bearer ...; `logpond token create NAME --scope ingest` makes one",
)


@dataclass
class Access:
    """Decides on each request. A token comes as Bearer, or as what collectors of Elasticsearch
    send: the password of Basic, the key of ApiKey."""

    tokens: Tokens
    is_open_to_own_user: bool = False
    attempts: Attempts = field(default_factory=Attempts)

    @classmethod
    def of(cls, places: Places, settings: Settings) -> Access:
        """Returns the access by the settings. Other users of this machine need a token as well."""
        gateway = settings.gateway
        for_others = gateway.token.get_secret_value(), gateway.hosts
        return cls(Tokens.of(places, settings), peer.needs_no_token(gateway.host, *for_others))

    def first_token(self) -> str:
        """Makes a token for the first sender; empty where nobody needs one, or one exists."""
        return "" if self.is_open_to_own_user else self.tokens.first(INGEST)

    def refusal(self, scope: Scope) -> Refusal | None:
        """Returns why this request may not be answered; None where it may."""
        given = _secret(Headers(scope=scope).get("authorization", ""))
        if given is None:
            connection = scope.get("state", {}).get("connection")
            is_own = self.is_open_to_own_user and getattr(connection, "is_own_user", False)
            return None if is_own else MISSING
        found = presented(given, scope, self.tokens, self.attempts)
        return found if isinstance(found, Refusal) else beyond(found, INGEST)


class Guard:
    """The middleware that checks host, origin and token before a byte of a body is read."""

    def __init__(self, app: ASGIApp, access: Access, hosts: Hosts, refuse: Refuse) -> None:
        self._app, self._access, self._hosts, self._refuse = app, access, hosts, refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        app = self._refuse(scope, refusal) if refusal else self._app
        await app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        if not self._hosts.knows(headers.get("host", "")):
            return UNKNOWN_HOST
        if scope["path"] in HEALTH:
            return None
        return FOREIGN if is_foreign(headers) else self._access.refusal(scope)


def _secret(header: str) -> str | None:
    """The token in an `Authorization`; None where there is none, or an empty one."""
    kind, _, given = header.partition(" ")
    secret = given.strip()
    if kind.lower() in ("basic", "apikey"):
        with suppress(binascii.Error, UnicodeDecodeError):
            secret = base64.b64decode(secret, validate=True).decode().partition(":")[2]
    elif kind.lower() != "bearer":
        return None
    return secret or None
