"""The edge: how much a request may be, how long it may take, how many there may be."""

from __future__ import annotations

import gzip
import zlib

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send
from support.sending import Door
from support.serving import awaited, connected, request, status

from gateway.app import refuse
from gateway.memory import Budget, Full, Metered, Share
from gateway.requests import Refused, unpack

GZIP = 16 + zlib.MAX_WBITS
MIB = 1 << 20


def test_a_packed_body_is_unpacked_within_its_bounds() -> None:
    """Up to the last byte; one byte more, and no more than a piece too much was made."""
    budget = Budget(64 * MIB)
    share = Share(budget)
    assert unpack(gzip.compress(b"x" * MIB), GZIP, MIB, share) == b"x" * MIB
    assert budget.held == MIB
    with pytest.raises(Refused) as caught:
        unpack(gzip.compress(b"x" * 50 * MIB), GZIP, MIB, share)
    assert caught.value.refusal.status == 413
    assert budget.held < 3 * MIB
    share.release()
    assert budget.held == 0


def test_no_room_is_no_fault_of_the_body() -> None:
    """What does not fit now may come again."""
    with pytest.raises(Full):
        unpack(gzip.compress(b"x" * 2 * MIB), GZIP, 16 * MIB, Share(Budget(MIB)))


def test_a_body_of_several_members_is_read_whole() -> None:
    """As RFC 1952 has it and `cat a.gz b.gz` makes it, within the same bounds."""
    members = [b"x" * 5000, b"", b"y" * 300_000, *[b""] * 5000, b"z"]
    packed = b"".join(map(gzip.compress, members))
    share = Share(Budget(64 * MIB))
    assert unpack(packed, GZIP, MIB, share) == b"".join(members)
    with pytest.raises(Refused) as caught:
        unpack(gzip.compress(b"x" * MIB) * 2, GZIP, MIB, share)
    assert caught.value.refusal.status == 413
    with pytest.raises(Refused, match="more after its end"):
        unpack(zlib.compress(b"x") * 2, zlib.MAX_WBITS, MIB, share)


@pytest.mark.parametrize("cut", [1, 8, 9, 20])
def test_what_breaks_off_is_refused(cut: int) -> None:
    """However much of it is missing; and what has more after its end."""
    packed = gzip.compress(bytes(range(256)) * 8)
    for body in (packed[:-cut], packed + b"more"):
        with pytest.raises(Refused) as caught:
            unpack(body, GZIP, MIB, Share(Budget(MIB)))
        assert caught.value.refusal.status == 400


def test_bytes_are_counted_as_they_are_read(door: Door) -> None:
    """A body that announces little or nothing ends at the same size; two lengths are refused."""
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    with connected(
        door.at, request("/ingest/app", "Transfer-Encoding: chunked", method="POST")
    ) as c:
        try:
            for _ in range(12):
                c.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert status(c) in (413, 0)
    both = ("Transfer-Encoding: chunked", "Content-Length: 5")
    with connected(door.at, request("/ingest/app", *both, method="POST") + b"0\r\n\r\n") as c:
        assert status(c) == 400
    assert (door.budget.held, door.sent()) == (0, [])


def test_bodies_share_what_may_be_held(door: Door) -> None:
    """Where others hold it, the next is told to come again, and taken once they are done."""
    door.budget.take(door.budget.most - 100)
    found = door.post("/ingest/app", b'{"n":1}\n' * 100)
    assert (found.status_code, found.headers["retry-after"]) == (429, "1")
    small = door.post("/ingest/app", b'{"n":1}')
    assert small.status_code == 429
    door.budget.give(door.budget.most - 100)
    assert door.post("/ingest/app", b'{"n":1}').status_code == 200
    assert (door.budget.held, len(door.sent())) == (0, 1)


@pytest.mark.parametrize("most", [100, 5])
def test_who_has_an_answer_finds_room(most: int) -> None:
    """What a request held is given back before its answer is sent, also where it is refused."""
    budget, held, answers = Budget(most), list[int](), list[int]()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        held.append(budget.held)
        await PlainTextResponse("taken")(scope, receive, send)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"0123456789"}

    async def send(message: Message) -> None:
        answers.append(message.get("status", 0))
        assert budget.held == 0

    scope = {"type": "http", "path": "/ingest/app", "method": "POST", "headers": []}
    awaited(Metered(app, budget, refuse)(scope, receive, send))
    assert (held, answers) == (([10], [200, 0]) if most > 10 else ([], [429, 0]))


def test_the_largest_request_fits(door: Door) -> None:
    """Packed or not: its unpacked body is let go of before its messages are held."""
    body = (b'{"message":"%b"}\n' % (b"x" * 900)) * 18_000
    assert len(body) > 15 * MIB
    packed = gzip.compress(body, 1)
    found = door.post("/ingest/app", packed, content_encoding="gzip")
    assert (found.status_code, found.json()["taken"]) == (200, 18_000)
    assert door.budget.held == 0
