"""A process that converts one body as the gateway does: what it answers, and its most memory."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from support.code import ROOT

from gateway.batch import Batch
from gateway.protocols import bulk, lines, otlp
from gateway.requests import Refused
from lakehouse.formats.objects.otlp_request import JSON, PROTOBUF
from lakehouse.formats.reading import Reading

MIB = 1 << 20


# Small bodies that could become large: with a number of records, lines or items.
BODIES: dict[str, Callable[[int], bytes]] = {
    "a resource": lambda n: otlp_request("x" * 100_000, n),
    "objects of OTLP": lambda n: otlp_request("", n),
    "attributes": lambda n: otlp_request("", 1).replace(b'[{"k', b"[" + b"{}      ," * n + b'{"k'),
    "protobuf": lambda n: _within(b"\x0a", _within(b"\x12", b"\x12\x00" * n)),
    "blank lines": lambda n: b"\n" * n,
    "lines": lambda n: b"{}\n" * n,
    "an array": lambda n: b"[" + b"{}," * (n - 1) + b"{}]",
    "logfmt": lambda n: b"level=info msg=paid\n" * n,
    "deletes": lambda n: b'{"delete":{}}\n' * n,
    "updates": lambda n: b'{"update":{}}\n\n' * n,
    "documents": lambda n: b'{"create":{}}\n{"message":"paid"}\n' * n,
}


class Cost(NamedTuple):
    """The status of an answer, the records of a batch, and the memory [MiB] of making it."""

    status: int
    records: int
    held: int


def converted(protocol: str, body: str, count: int) -> Cost:
    """The cost of one of the bodies above."""
    words = [sys.executable, "-m", "support.converting_child", protocol, body, str(count)]
    done = subprocess.run(words, cwd=ROOT / "tests", capture_output=True, check=True, timeout=300)
    return Cost(*json.loads(done.stdout))


def convert(protocol: str, body: bytes, batch: Batch) -> None:
    """Adds the records of a body to a batch, as one of the protocols or of a format of lines."""
    ids = partial(lambda _number: None)
    if protocol == "bulk":
        bulk.of_body(body, batch, "shop", ids)
    elif protocol in ("protobuf", "JSON"):
        otlp.convert(body, batch, PROTOBUF if protocol == "protobuf" else JSON, ids)
    else:
        lines.of_body(body, batch, Reading(source="shop", format=protocol), ids)


def otlp_request(attribute: str, records: int) -> bytes:
    """Empty records of a resource with one attribute."""
    named = b'{"key":"k","value":{"stringValue":"%b"}}' % attribute.encode()
    listed = b"{}," * (records - 1) + b"{}"
    around = (
        b'{"resourceLogs":[{"resource":{"attributes":[%b]},"scopeLogs":[{"logRecords":[%b]}]}]}'
    )
    return around % (named, listed)


def _within(tag: bytes, value: bytes) -> bytes:
    """A field of protobuf; its length is written in four bytes."""
    size = len(value)
    return tag + bytes([size >> at & 127 | 128 for at in (0, 7, 14)] + [size >> 21]) + value


def _most_memory() -> int:
    # of this process alone: what `resource` says of a child begins with its parent's
    facts = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(facts["VmHWM"].split()[0]) >> 10


if __name__ == "__main__":
    protocol, name, count = sys.argv[1:]
    with suppress(Refused):
        convert(protocol, b"", Batch(MIB))
    body, batch, status = BODIES[name](int(count)), Batch(24 * MIB), 200
    before = _most_memory()
    try:
        convert(protocol, body, batch)
    except Refused as error:
        status = int(error.refusal.status)
    print(json.dumps([status, batch.records, _most_memory() - before]))
