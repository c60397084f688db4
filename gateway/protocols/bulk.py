"""`POST /_bulk`: the bulk requests of Elasticsearch, as collectors send them.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk: an action a line, and
after `index` and `create` the document. Each has an answer of its own, in their order.
"""

from __future__ import annotations

import time
from functools import partial
from http import HTTPStatus
from io import BytesIO
from typing import Any, NamedTuple

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response

from gateway.batch import MOST_READ, Batch
from gateway.delivery import Receipt
from gateway.intake import Intake, not_acknowledged
from gateway.requests import EventId, Refused, event_ids, named
from gateway.stamp import stamped
from lakehouse.formats.format import Fault
from lakehouse.formats.messages import made
from lakehouse.formats.reading import Reading

JSON = "application/json"
PRODUCT = {"X-Elastic-Product": "Elasticsearch"}
TAKEN, ACTIONS = ("index", "create"), ("index", "create", "update", "delete")
READING = Reading(source="bulk", format="ecs")
# What an item takes in memory until it is answered, with its answer.
AN_ITEM = 400
MOST_INDEX_BYTES, MOST_ID_BYTES = 255, 512
SHARDS = {"total": 1, "successful": 1, "failed": 0}
NO_OBJECT = "the document is no JSON object"
NEVER_CHANGED = "logs are added, and never changed"
EMPTY_ID = "if _id is specified it must not be empty"


class Item(NamedTuple):
    """What a line of a request asks for. The number of an item is that of its record."""

    action: str
    of_index: str
    id: str


class _Facts(msgspec.Struct, gc=False):
    """What an action says of its document, as it is written."""

    index: msgspec.Raw = msgspec.field(default=msgspec.Raw(b"null"), name="_index")
    id: msgspec.Raw = msgspec.field(default=msgspec.Raw(b"null"), name="_id")


class _Action(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """An action line: an object with one of these keys."""

    index: _Facts | None = None
    create: _Facts | None = None
    update: _Facts | None = None
    delete: _Facts | None = None


_read = msgspec.json.Decoder(_Action).decode


async def post_bulk(request: Request, intake: Intake) -> Response:
    """Takes the documents of a request. What fails is said of each item."""
    began, ids = time.monotonic(), event_ids(request)
    index = request.path_params.get("index", "")
    batch, items = await intake.converted(request, partial(of_body, index=index, ids=ids))
    request.scope["share"].add(AN_ITEM * len(items))
    sent = len(batch.messages)
    receipt = await intake.take(batch)
    if len(receipt.failed) == sent > 0:
        raise not_acknowledged(receipt)
    took = int((time.monotonic() - began) * 1000)
    has_errors = b"true" if receipt.refused or receipt.failed else b"false"
    moment = f"{time.time_ns():x}"
    listed = b",".join(_answer(n, item, receipt, moment) for n, item in enumerate(items))
    answer = b'{"took":%d,"errors":%b,"items":[%b]}' % (took, has_errors, listed)
    return Response(answer, headers=PRODUCT, media_type=JSON)


def answered(value: Any, status: int = 200) -> Response:
    """An answer as Elasticsearch gives it: its clients look for the header."""
    return Response(orjson.dumps(value), status, PRODUCT, JSON)


def of_body(body: bytes, batch: Batch, index: str, ids: EventId) -> list[Item]:
    """The items of a body, whose documents are added to a batch as the records of their numbers.

    Raises Refused, with nothing taken, where its lines are no actions.
    """
    items, make, names = list[Item](), made(READING), dict[str, str]()
    lines = enumerate(BytesIO(body), 1)
    for number, line in lines:
        if not line.strip():
            continue
        action, facts = _action(number, line)
        document = b"" if action == "delete" else next(lines, (0, b""))[1].rstrip(b"\n")
        to = _text(facts.index, "_index", number) or index
        given = _text(facts.id, "_id", number)
        event_id = named(to, given) if given else ids(len(items))
        kept = names.setdefault(to[:MOST_INDEX_BYTES], to[:MOST_INDEX_BYTES])
        items.append(Item(action, kept, (given or event_id or "")[:MOST_ID_BYTES]))
        if why := _fault(action, to, given):
            batch.refuse(why)
        elif len(document) > MOST_READ:
            batch.add(None)
        else:
            _add(make(document, None), event_id, to or "bulk", batch)
    return items


def _fault(action: str, index: str, given: str | None) -> str | None:
    """Why an item is not taken, whatever its document is; as Elasticsearch says of ids."""
    if action not in TAKEN:
        return NEVER_CHANGED
    parts = {"index name": (index, MOST_INDEX_BYTES), "id": (given or "", MOST_ID_BYTES)}
    for name, (text, most) in parts.items():
        if (size := len(text.encode(errors="replace"))) > most:
            return f"{name} is too long, must be no longer than {most} bytes but was: {size}"
    return EMPTY_ID if given == "" else None


def _add(
    found: bytes | list[bytes] | Fault, event_id: str | None, index: str, batch: Batch
) -> None:
    """A document as a message of the service that its index names."""
    message = stamped(found, event_id, index) if isinstance(found, bytes) else None
    batch.refuse(NO_OBJECT) if message is None else batch.add(message)


def _action(number: int, line: bytes) -> tuple[str, _Facts]:
    try:
        found = _read(line)
        ((name, facts),) = [(a, f) for a in ACTIONS if (f := getattr(found, a)) is not None]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise _malformed(number, f"one of {', '.join(ACTIONS)}") from None
    return name, facts


def _text(written: msgspec.Raw, name: str, number: int) -> str | None:
    """A value as text: numbers and truths as they are written; None for null.

    Raises Refused, as Elasticsearch refuses the request, where it is an object, an array or no
    UTF-8.
    """
    text = bytes(written)
    try:
        if text[:1] == b'"':
            return msgspec.json.decode(text, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _malformed(number, f"UTF-8 in field [{name}]") from None
    if text[:1] in b"{[":
        raise _malformed(number, f"a simple value for field [{name}]")
    return None if text == b"null" else text.decode()


def _malformed(number: int, wanted: str) -> Refused:
    what = f"Malformed action/metadata line [{number}], expected {wanted}"
    return Refused(HTTPStatus.BAD_REQUEST, what)


def _answer(number: int, item: Item, receipt: Receipt, moment: str) -> bytes:
    """The answer to an item: what became of its record."""
    answer: dict[str, Any] = {"_index": item.of_index, "_id": item.id or f"{moment}-{number}"}
    if why := receipt.refused.get(number):
        kind = "document_parsing" if why == NO_OBJECT else "illegal_argument"
        answer |= {"status": 400, "error": {"type": f"{kind}_exception", "reason": why}}
    elif why := receipt.failed.get(number):
        error = {"type": "es_rejected_execution_exception", "reason": why}
        answer |= {"status": 429, "error": error}
    else:
        answer |= {"status": 201, "_version": 1, "result": "created", "_shards": SHARDS}
        answer |= {"_seq_no": number, "_primary_term": 1}
    return msgspec.json.encode({item.action: answer})
