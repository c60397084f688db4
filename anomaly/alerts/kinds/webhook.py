"""An address of one's own: JSON as docs/webhook.md describes it, signed if there is a secret."""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import Annotated, Literal

from pydantic import AfterValidator, SecretStr

from anomaly.alerts.message import Message
from anomaly.alerts.posting import Request
from anomaly.alerts.receiver import HttpReceiver, Token
from lakehouse.setting_checks import check_key


class Kind(HttpReceiver):
    """`[webhook]` of conf/logpond.toml is one too."""

    kind: Literal["webhook"] = "webhook"
    token: Token = SecretStr("")
    """With one, posts carry `Authorization: Bearer <token>`."""
    token_file: str = ""
    secret: Annotated[SecretStr, AfterValidator(check_key)] = SecretStr("")
    """With one, posts are signed."""
    secret_file: str = ""

    def has_secret(self) -> bool:
        """The message itself has none."""
        return bool(self.token.get_secret_value() or self.secret.get_secret_value())

    def request(self, message: Message) -> Request:
        """The event, one sentence, and the whole incident."""
        headers = {"Idempotency-Key": message.name}
        if token := self.token.get_secret_value():
            headers["Authorization"] = f"Bearer {token}"
        if secret := self.secret.get_secret_value():
            headers["X-Logpond-Signature"] = signature(secret, message.body, int(time.time()))
        return Request(self.address, message.body, headers, self.ca_file)


def signature(secret: str, body: bytes, at: int) -> str:
    """Returns the signature `t=<seconds since the epoch>,v1=<HMAC-SHA256 in hex>` of a body.

    It covers the time, a dot, and the body. The time is that of the try, so the receiver can refuse
    a message that was recorded long ago.
    """
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={signed.hexdigest()}"
