"""A schema registry as a process of its own thread: Confluent's API, as its clients use it.

Schemas of Protobuf come as descriptors in base64, which is how Confluent's client for Python posts
them, and are given only so: to whoever does not ask for `?format=serialized` it says nothing true.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from lakehouse.schemas.connection import RegistryConnection

TEXT_OF_PROTOBUF = 'syntax = "proto3"; // as text, which is not what was asked for'


@dataclass
class Kept:
    """What a registry holds: schemas by id, and the versions of each subject."""

    schemas: dict[int, dict[str, Any]] = field(default_factory=dict)
    subjects: dict[str, list[int]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    signed_in: list[str | None] = field(default_factory=list)
    # What it says to whoever has not this user and password.
    user: tuple[str, str] | None = None
    # What it says whatever is asked: a status and a body.
    answer: tuple[int, bytes] | None = None
    first: int = 1
    # As Karapace, which gives no descriptor by number of a schema that imports others.
    fails_for_imports: bool = False

    def add(self, subject: str, schema: dict[str, Any]) -> int:
        """The id of a schema, which is now a version of a subject."""
        same = (number for number, held in self.schemas.items() if held == schema)
        number = next(same, max(self.schemas, default=self.first - 1) + 1)
        self.schemas[number] = schema
        versions = self.subjects.setdefault(subject, [])
        if number not in versions:
            versions.append(number)
        return number


@dataclass(frozen=True)
class Served:
    """A registry that answers."""

    url: str
    kept: Kept

    def connection(self, **changed: Any) -> RegistryConnection:
        """How to reach it, in no time."""
        return RegistryConnection(**{"urls": (self.url,), "hold_seconds": 0.0} | changed)


def posted(text: Any, kind: str = "AVRO", **references: tuple[str, int]) -> dict[str, Any]:
    """A schema as a registry holds it; `references` are subject and version by name."""
    named = [{"name": n, "subject": s, "version": v} for n, (s, v) in references.items()]
    text = text if isinstance(text, str) else json.dumps(text)
    return {"schema": text, "schemaType": kind, "references": named}


@contextmanager
def served(kept: Kept | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Served]:
    """A registry for as long as it is needed, by TLS where that is given."""
    held = kept or Kept()
    server = _Server(("127.0.0.1", 0), type("Asked", (_Asked,), {"kept": held}))
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Served(f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}", held)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_given: Any) -> None:
        """Says nothing of clients that hang up."""


class _Asked(BaseHTTPRequestHandler):
    kept: Kept
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.kept.asked.append(self.path)
        if not self._is_refused():
            parts = urlsplit(self.path)
            path = [unquote(part) for part in parts.path.strip("/").split("/")]
            self._say(*self._found(path, parse_qs(parts.query)))

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        body = json.loads(self.rfile.read(size))
        if self._is_refused():
            return
        path = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        given = {
            "schema": body["schema"],
            "schemaType": body.get("schemaType", "AVRO"),
            "references": body.get("references") or [],
        }
        if path[-1] == "versions":
            self._say(200, {"id": self.kept.add(path[1], given)})
            return
        versions = self.kept.subjects.get(path[1], [])
        at = next((n for n in versions if self.kept.schemas[n] == given), None)
        if at is None:
            self._say(404, {"error_code": 40403, "message": "Schema not found"})
            return
        self._say(200, self._version(path[1], versions.index(at) + 1, {}))

    def _is_refused(self) -> bool:
        self.kept.signed_in.append(self.headers.get("Authorization"))
        if self.kept.answer:
            self._say(*self.kept.answer)
            return True
        if self.kept.user:
            pair = base64.b64encode(":".join(self.kept.user).encode()).decode()
            if self.headers.get("Authorization") != f"Basic {pair}":
                self._say(401, {"error_code": 401, "message": "Unauthorized"})
                return True
        return False

    def _found(self, path: list[str], asked: dict[str, list[str]]) -> tuple[int, Any]:
        if path == ["schemas", "types"]:
            return 200, ["JSON", "PROTOBUF", "AVRO"]
        if path[:2] == ["schemas", "ids"]:
            held = self.kept.schemas.get(int(path[2]))
            if held is None:
                return 404, {"error_code": 40403, "message": f"Schema {path[2]} not found"}
            if path[3:] == ["versions"]:
                return 200, self._versions(int(path[2]))
            if self.kept.fails_for_imports and "format" in asked and held["references"]:
                return 500, {"error_code": 500, "message": "Internal Server Error"}
            return 200, _given(held, asked)
        versions = self.kept.subjects.get(path[1])
        if versions is None:
            return 404, {"error_code": 40401, "message": f"Subject '{path[1]}' not found."}
        number = len(versions) if path[3] == "latest" else int(path[3])
        if not 0 < number <= len(versions):
            return 404, {"error_code": 40402, "message": f"Version {path[3]} not found."}
        return 200, self._version(path[1], number, asked)

    def _versions(self, number: int) -> list[dict[str, Any]]:
        return [
            {"subject": subject, "version": held.index(number) + 1}
            for subject, held in self.kept.subjects.items()
            if number in held
        ]

    def _version(self, subject: str, version: int, asked: dict[str, list[str]]) -> Any:
        number = self.kept.subjects[subject][version - 1]
        named = {"subject": subject, "version": version, "id": number, "guid": str(number)}
        return named | _given(self.kept.schemas[number], asked)

    def _say(self, status: int, body: Any) -> None:
        written = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
        self.send_header("Content-Length", str(len(written)))
        self.end_headers()
        self.wfile.write(written)

    def log_message(self, *_given: Any) -> None:
        """Says nothing."""


def _given(held: dict[str, Any], asked: dict[str, list[str]]) -> dict[str, Any]:
    """A schema as it is told: Avro is the kind that is not named."""
    is_text = held["schemaType"] == "PROTOBUF" and asked.get("format") != ["serialized"]
    found = {"schema": TEXT_OF_PROTOBUF if is_text else held["schema"]}
    if held["schemaType"] != "AVRO":
        found["schemaType"] = held["schemaType"]
    return found | ({"references": held["references"]} if held["references"] else {})
