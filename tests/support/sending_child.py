"""Sends to a gateway until it is killed, each request again until it is acknowledged, as collectors
do; then it writes the names of its records to a file, a line each.

`sending_child.py ADDRESS FILE NAME`. Requests are lines, OTLP and bulk in turn, each so that its
retries bring no new `event_id`. Every tenth line is no JSON, and so goes to quarantine.
"""

from __future__ import annotations

import json
import sys
import time
from itertools import count
from pathlib import Path
from typing import NamedTuple

import httpx
from support.records import attributes, otlp

RECORDS = 20
BUSY = (429, 503)


class Request(NamedTuple):
    """What is sent: path, body, headers."""

    path: str
    body: bytes
    headers: dict[str, str]


def lines(key: str, names: list[str]) -> Request:
    """Lines under an `Idempotency-Key`."""
    found = [
        f"broken {name}" if number % 10 == 9 else json.dumps({"message": name})
        for number, name in enumerate(names)
    ]
    return Request("/ingest/app", "\n".join(found).encode(), {"idempotency-key": key})


def records(_key: str, names: list[str]) -> Request:
    """OTLP, each record with a `log.record.uid`."""
    found = [
        {"body": {"stringValue": name}, "attributes": attributes({"log.record.uid": name})}
        for name in names
    ]
    return Request("/v1/logs", otlp(*found), {"content-type": "application/json"})


def documents(_key: str, names: list[str]) -> Request:
    """A bulk request, each document with an `_id`."""
    pairs = [({"index": {"_index": "app", "_id": name}}, {"message": name}) for name in names]
    body = "".join(json.dumps(one) + "\n" for pair in pairs for one in pair)
    return Request("/_bulk", body.encode(), {"content-type": "application/x-ndjson"})


def is_taken(client: httpx.Client, request: Request) -> bool:
    """Whether all of a request is acknowledged; where not, it may be sent again."""
    try:
        found = client.post(request.path, content=request.body, headers=request.headers)
    except httpx.TransportError:
        return False
    if found.status_code in BUSY:
        return False
    assert found.status_code == 200, found.text
    return not (request.path == "/_bulk" and found.json()["errors"])


def main(address: str, file: str, name: str) -> None:
    """Send for ever."""
    with Path(file).open("a") as acked, httpx.Client(base_url=address, timeout=30) as client:
        for number in count():
            key = f"{name}-{number}"
            names = [f"{key}-{n}" for n in range(RECORDS)]
            request = (lines, records, documents)[number % 3](key, names)
            while not is_taken(client, request):
                time.sleep(0.1)
            acked.write("\n".join(names) + "\n")
            acked.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
