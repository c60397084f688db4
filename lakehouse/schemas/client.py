"""Asks a schema registry for a schema, within a time and a number of bytes.

Two questions of its API are all that is asked. Its answers are bounded as they come: by the clock,
whatever it says of its length. It is not followed elsewhere, so that a password goes to it alone.
"""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from lakehouse.formats.schemas.lookup import AVRO, PROTOBUF, BadSchema, Part, Written
from lakehouse.schemas.connection import RegistryConnection

MOST_PARTS = 100
# Its answer quotes the schema, which may double it, and has references and more beside.
AROUND = 64 << 10
LATE = "did not answer in time"
OK, FAILED = 200, 500
HUNG_UP = "it hung up; it may ask for a certificate"
NO_SUCH = range(40401, 40404)
TEXT = "application/vnd.schemaregistry.v1+json, application/json"


class UnknownSchema(Exception):
    """The registry says that it has no such schema."""


class NoAnswer(Exception):
    """The registry cannot be asked; the text says why. It may be asked again, unless it refused."""

    def __init__(self, why: str, status: int = 0, is_refused: bool = False) -> None:
        super().__init__(why)
        self.status, self.is_refused = status, is_refused


class Reference(msgspec.Struct):
    """A schema that another one names."""

    name: str
    subject: str
    version: int


class Answer(msgspec.Struct):
    """A schema as the registry gives it."""

    schema: str
    schemaType: str | None = None
    references: list[Reference] | None = None


class _Version(msgspec.Struct):
    subject: str
    version: int


class _Refusal(msgspec.Struct):
    error_code: int = 0


def schema(connection: RegistryConnection, number: int, kind: str) -> Written:
    """Returns the schema of a number, with all that it names.

    Raises UnknownSchema, NoAnswer, or BadSchema where it is too large.
    """
    return _Question(connection, kind).written(f"/schemas/ids/{number}")


def check(connection: RegistryConnection) -> None:
    """Asks the registry something that it always knows. Raises NoAnswer."""
    _Question(connection, AVRO).get("/schemas/types")


class _Question:
    """One question for a schema: what is left of its time and bytes."""

    def __init__(self, connection: RegistryConnection, kind: str) -> None:
        self._connection = connection
        self._until = time.monotonic() + connection.timeout_seconds
        self._left = connection.schema_bytes
        self._form = "?format=serialized" if kind == PROTOBUF else ""

    def written(self, path: str) -> Written:
        try:
            answer = self._answer(path)
        except NoAnswer as error:
            if not self._form or error.status != FAILED:
                raise
            answer = self._by_version(path)
        parts: dict[str, Part] = {}
        self._add(answer, parts, set())
        return Written(answer.schemaType or AVRO, answer.schema, (*parts.values(),))

    def _by_version(self, path: str) -> Answer:
        """The schema by a subject that has it: Karapace fails by number where it imports others."""
        try:
            found = msgspec.json.decode(self.get(f"{path}/versions"), type=list[_Version])
            return self._answer(_at(found[0].subject, found[0].version))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, IndexError):
            raise NoAnswer("answers with something else than versions", OK) from None

    def _add(self, answer: Answer, parts: dict[str, Part], asked: set[tuple[str, int]]) -> None:
        """Adds what a schema names, each after what it names itself."""
        for each in answer.references or ():
            one = each.subject, each.version
            if one in asked:
                continue
            asked.add(one)
            if len(asked) > MOST_PARTS:
                raise BadSchema(f"it names more than {MOST_PARTS} other schemas")
            found = self._answer(_at(*one))
            self._add(found, parts, asked)
            parts[each.name] = Part(each.name, found.schema)

    def _answer(self, path: str) -> Answer:
        came = self.get(path + self._form)
        try:
            found = msgspec.json.decode(came, type=Answer)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise NoAnswer("answers with something else than a schema", OK) from None
        self._left -= len(found.schema)
        if self._left < 0:
            raise self._too_large()
        return found

    def get(self, path: str) -> bytes:
        """Returns the answer of the first address that gives one.

        Each has its share of the time, so that one that hangs does not hide the others.
        """
        whys = [NoAnswer("is not set")]
        urls = _in_turn(self._connection.urls)
        for at, url in enumerate([*urls]):
            seconds = (self._until - time.monotonic()) / (len(urls) - at)
            try:
                came = self._get(url, path, seconds)
            except NoAnswer as error:
                whys.append(error)
                continue
            except (UnknownSchema, BadSchema):
                _prefer(urls, url)
                raise
            _prefer(urls, url)
            return came
        # what one said counts more than that another said nothing
        raise max(reversed(whys), key=lambda error: (error.is_refused, bool(error.status)))

    def _get(self, url: str, path: str, seconds: float) -> bytes:
        if seconds <= 0:
            raise NoAnswer(f"did not answer in {self._connection.timeout_seconds:g} s")
        parts = urlsplit(url)
        try:
            opened = self._opened(parts, seconds)
        except OSError as error:
            why = f"cannot be asked: its files of certificates: {error.strerror}"
            raise NoAnswer(why, is_refused=True) from None
        with _connected(opened, seconds) as client:
            client.request("GET", parts.path + path, headers=self._headers())
            answer = client.getresponse()
            most = 2 * max(self._left, 0) + AROUND
            came = answer.read(most + 1)
            if len(came) > most:
                raise self._too_large()
            _refuse(answer.status, came)
            return came

    def _opened(self, parts: Any, seconds: float) -> http.client.HTTPConnection:
        host, port = parts.hostname, parts.port
        if parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=seconds)
        context = self._connection.context()
        return http.client.HTTPSConnection(host, port, timeout=seconds, context=context)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": TEXT, "Accept-Encoding": "identity"}
        if self._connection.user:
            pair = f"{self._connection.user}:{self._connection.password.get_secret_value()}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return headers

    def _too_large(self) -> BadSchema:
        return BadSchema(f"it is larger than {self._connection.schema_bytes >> 10} kB")


@lru_cache(maxsize=8)
def _in_turn(urls: tuple[str, ...]) -> list[str]:
    """The addresses of a registry, of which the one that answered last is asked first."""
    return [*urls]


def _prefer(urls: list[str], url: str) -> None:
    urls[:] = [url, *(other for other in urls if other != url)]


@contextmanager
def _connected(
    client: http.client.HTTPConnection, seconds: float
) -> Iterator[http.client.HTTPConnection]:
    """Has a question end after so many seconds, however slowly its answer drips.

    The client forgets its socket before the answer is read, and has none while it connects.
    """
    late, sockets = threading.Event(), list[socket.socket]()

    def close() -> None:
        late.set()
        for one in sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, close)
    timer.daemon = True
    timer.start()
    try:
        client.connect()
        sockets.append(client.sock)
        if not late.is_set():
            yield client
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise NoAnswer(LATE if late.is_set() else _why(error)) from None
    finally:
        timer.cancel()
        client.close()
    if late.is_set():  # what came ended where it was cut
        raise NoAnswer(LATE)


def _why(error: Exception) -> str:
    """Why it cannot be asked, without what it said itself."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"has a certificate that is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"does not talk TLS as asked ({error.reason or HUNG_UP})"
    if isinstance(error, TimeoutError):
        return LATE
    if isinstance(error, OSError):
        return f"cannot be reached ({error.strerror or type(error).__name__})"
    return "answers, but not by HTTP"


def _refuse(status: int, came: bytes) -> None:
    """Raises what a status means, where it is not 200."""
    if status == OK:
        return
    if status in (401, 403):
        raise NoAnswer(f"refuses this user or his rights ({status})", status, is_refused=True)
    if status == 404:
        with suppress(msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            if msgspec.json.decode(came, type=_Refusal).error_code in NO_SUCH:
                raise UnknownSchema
    raise NoAnswer(f"answers {status}", status)


def _at(subject: str, version: int) -> str:
    return f"/subjects/{quote(subject, safe='')}/versions/{version}"
