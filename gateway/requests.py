"""A request as every protocol needs it: its body unpacked, its name, and why it is refused."""

from __future__ import annotations

import asyncio
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from http import HTTPStatus
from io import BytesIO

from starlette.requests import Request

from gateway.memory import Share
from lakehouse.http.bounds import Refusal

CODINGS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
NAME = re.compile(r"[!-~]{1,255}")
STEP, PIECE = 1 << 12, 1 << 18

# The id of the event with this number in a request; None where the request has no name.
EventId = Callable[[int], "str | None"]


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(self, status: HTTPStatus, what: str, remedy: str = "", retry: int = 0) -> None:
        super().__init__(what)
        headers = (("Retry-After", str(retry)),) if retry else ()
        self.refusal = Refusal(status, what, remedy, headers)


async def unpacked(request: Request, most: int) -> bytes:
    """The body of a request, of at most so many bytes once it is unpacked.

    Raises Refused for a coding that is not known, and for what does not unpack.
    """
    # the bounds have read it whole; `request.body()` would copy it
    body: bytes = (await request.receive()).get("body", b"")
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        return body
    if coding not in CODINGS:
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"the content encoding {coding[:40]} is not known",
            "send gzip, or nothing packed",
        )
    return await asyncio.to_thread(unpack, body, CODINGS[coding], most, request.scope["share"])


def unpack(body: bytes, window: int, most: int, share: Share) -> bytes:
    """The bytes of a packed body, charged to its share as they come.

    Raises Refused where there are more than `most`, or it is broken; Full without room.
    """
    # joined pieces would be there twice
    found, size = BytesIO(), 0
    try:
        for piece in _pieces(body, window):
            share.add(len(piece))
            size += len(piece)
            if size > most:
                raise too_large(most)
            found.write(piece)
    except zlib.error as error:
        raise Refused(HTTPStatus.BAD_REQUEST, f"the body does not unpack: {error}") from None
    return found.getvalue()


def _pieces(body: bytes, window: int) -> Iterator[bytes]:
    """What a body unpacks to; of gzip it may have several members, as RFC 1952 allows.

    It is read in small steps: the rest of a step is copied at the end of each member.
    """
    unpacker = zlib.decompressobj(window)
    for start in range(0, len(body), STEP):
        rest = body[start : start + STEP]
        while rest:
            if unpacker.eof and window == zlib.MAX_WBITS:
                raise zlib.error("there is more after its end")
            unpacker = zlib.decompressobj(window) if unpacker.eof else unpacker
            yield unpacker.decompress(rest, PIECE)
            rest = unpacker.unused_data or unpacker.unconsumed_tail
    while not unpacker.eof:
        if not (piece := unpacker.decompress(b"", PIECE)):
            raise zlib.error("it breaks off")
        yield piece


def too_large(most: int) -> Refused:
    """The refusal of a request that holds too much."""
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"this is more than is taken in one request ({most >> 20} MiB unpacked)",
        "send it in several requests",
    )


def event_ids(request: Request) -> EventId:
    """The ids of the events of a request, the same at a retry where it says `Idempotency-Key`.

    Raises Refused for a key that is too long, or has blanks or characters beyond ASCII.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        return lambda _number: None
    if not NAME.fullmatch(key):
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            "the Idempotency-Key is empty, too long, or has other characters than visible ASCII",
            "send 1 to 255 visible characters of ASCII, new ones for each request",
        )
    return lambda number: named(request.url.path, key, str(number))


def named(*parts: str) -> str:
    """An id that is made of a name: 32 hexadecimal digits."""
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
