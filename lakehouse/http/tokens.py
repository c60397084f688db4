"""Named tokens, each with one scope: what is kept of one is its hash.

A file each below the lake's state, so that making and revoking one is a single step: a crash leaves
the token or none. A token is 256 random bits, so that a plain SHA-256 keeps it secret.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from lakehouse.errors import SettingsError
from lakehouse.paths import Places
from lakehouse.settings import Settings
from lakehouse.store.durable import on_disk

READ, WRITE, INGEST, METRICS = "read", "write", "ingest", "metrics"
SCOPES = (READ, WRITE, INGEST, METRICS)
# Whoever may read all may read figures too; whoever may act on incidents reads them.
COVERS = {
    READ: (READ, METRICS),
    WRITE: (WRITE, READ, METRICS),
    INGEST: (INGEST,),
    METRICS: (METRICS,),
}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# By scope: the token that a first start makes, and the setting that has another.
FIRST = {READ: "first-start", INGEST: "first-ingest"}
# The first visitor of the pages is who set them up, and may do all that pages do.
FIRST_SCOPE = {READ: WRITE, INGEST: INGEST}
CHOSEN = {READ: "LOGPOND_WEB_TOKEN", INGEST: "LOGPOND_GATEWAY_TOKEN"}
# File systems store times in steps. A folder that changed within this time is read again.
MTIME_STEP_SECONDS = 2.0


class Token(msgspec.Struct, frozen=True):
    """A token without itself."""

    name: str
    scope: str
    sha256: str
    created: datetime

    @classmethod
    def of(cls, name: str, scope: str, secret: str) -> Token:
        """The token of this secret, made now."""
        return cls(name, scope, _hash(secret), datetime.now(UTC).replace(microsecond=0))

    def covers(self, scope: str) -> bool:
        """Whether it opens what this scope opens."""
        return scope in COVERS[self.scope]


@dataclass
class Tokens:
    """The tokens of one lake, read again once they change; `chosen` are those of the settings."""

    folder: Path
    chosen: Sequence[Token] = ()
    _known: list[Token] = field(default_factory=list)
    _read_at: tuple[int, bool] = (-1, False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, places: Places, settings: Settings | None = None) -> Tokens:
        """Returns the tokens of a lake, with those of the settings, which read and send."""
        if settings is None:
            return cls(places.tokens)
        given = {READ: settings.web.token, INGEST: settings.gateway.token}
        secrets = {scope: token.get_secret_value() for scope, token in given.items()}
        chosen = [Token.of(CHOSEN[scope], scope, one) for scope, one in secrets.items() if one]
        return cls(places.tokens, chosen)

    def create(self, name: str, scope: str) -> str:
        """Makes a token and returns it, this once. Raises SettingsError where the name is taken."""
        if not NAME.fullmatch(name):
            raise SettingsError(
                f"a token cannot be named {name[:64]!r}", "take letters, digits, '.', '_' and '-'"
            )
        secret = secrets.token_urlsafe(32)
        try:
            self._write(Token.of(name, scope, secret))
        except FileExistsError:
            raise SettingsError(
                f"there is a token {name}", f"`logpond token revoke {name}`, or take another name"
            ) from None
        return secret

    def first(self, scope: str) -> str:
        """Make the token of a first start; empty where one opens what this scope does."""
        if any(token.covers(scope) for token in self.all()):
            return ""
        try:
            return self.create(FIRST[scope], FIRST_SCOPE[scope])
        except OSError as error:
            raise SettingsError(
                f"a token cannot be kept in {self.folder}: {error.strerror}",
                f"set {CHOSEN[scope]} to a long secret",
            ) from None

    def revoke(self, name: str) -> None:
        """Delete a token: from now on it opens nothing. SettingsError where there is none."""
        try:
            if not NAME.fullmatch(name):
                raise FileNotFoundError
            (self.folder / f"{name}.json").unlink()
            on_disk(self.folder)
        except FileNotFoundError:
            raise SettingsError(f"there is no token {name}", "see `logpond token list`") from None

    def all(self) -> list[Token]:
        """Every token, by name; files that are none are passed over."""
        with self._lock:
            changed = self._changed()
            is_past_step = time.time_ns() - changed > MTIME_STEP_SECONDS * 1e9
            if self._read_at != (changed, True):
                self._known, self._read_at = _read(self.folder), (changed, is_past_step)
            return [*self.chosen, *self._known]

    def find(self, secret: str) -> Token | None:
        """The token of this secret; None where it is none."""
        found, hashed = None, _hash(secret)
        for token in self.all():
            if hmac.compare_digest(token.sha256, hashed):
                found = token
        return found

    def has(self, token: Token) -> bool:
        """Whether a token was not revoked since."""
        return token in self.all()

    def _changed(self) -> int:
        try:
            return self.folder.stat().st_mtime_ns
        except OSError:
            return 0

    def _write(self, token: Token) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        pending = self.folder / f".{token.name}.{secrets.token_hex(4)}"
        with os.fdopen(os.open(pending, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(msgspec.json.encode(token))
        try:
            os.link(pending, self.folder / f"{token.name}.json")
            on_disk(pending, self.folder)
        finally:
            pending.unlink()


def _read(folder: Path) -> list[Token]:
    found = []
    for file in sorted(folder.glob("[!.]*.json")):
        with suppress(OSError, msgspec.MsgspecError):
            token = msgspec.json.decode(file.read_bytes(), type=Token)
            if token.scope in SCOPES:
                found.append(token)
    return found


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()
