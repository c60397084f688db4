"""The token that a request presents, at every server of ours: whose it is, or why it is refused."""

from __future__ import annotations

import math
from http import HTTPStatus

from starlette.types import Scope

from lakehouse.http.attempts import Attempts
from lakehouse.http.bounds import Refusal, unauthorized
from lakehouse.http.tokens import Token, Tokens

WRONG = unauthorized(
    "that is not a token of this lake",
    "`logpond token list` names those that there are",
    "invalid_token",
)


def presented(secret: str, scope: Scope, tokens: Tokens, attempts: Attempts) -> Token | Refusal:
    """The token of a secret, whatever it opens. After a wrong one its address must wait."""
    address = (scope.get("client") or ("", 0))[0]
    if wait := math.ceil(attempts.wait(address)):
        return Refusal(
            HTTPStatus.TOO_MANY_REQUESTS,
            "too many wrong tokens came from this address",
            f"try again in {wait} s",
            (("Retry-After", str(wait)),),
        )
    found = tokens.find(secret)
    if found is None:
        attempts.wrong(address, scope["path"])
    return found or WRONG


def beyond(token: Token, needed: str) -> Refusal | None:
    """Why a token does not open what needs this scope; None where it does."""
    if token.covers(needed):
        return None
    what = f"this token is for {token.scope}, and this address needs {needed}"
    remedy = f"use another token; `logpond token create NAME --scope {needed}` makes one"
    return Refusal(HTTPStatus.FORBIDDEN, what, remedy)
