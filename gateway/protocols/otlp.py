"""`POST /v1/logs`: OTLP over HTTP, in protobuf and JSON.

As https://opentelemetry.io/docs/specs/otlp/ says: the answer is of the request's content type; what
will never be taken is counted in a partial success; 429 and 503 may be retried.
"""

from __future__ import annotations

from functools import partial
from http import HTTPStatus

import msgspec
import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from starlette.requests import Request
from starlette.responses import Response

from gateway.batch import Batch, too_many
from gateway.intake import Intake, not_acknowledged
from gateway.requests import EventId, Refused, event_ids
from lakehouse.formats import otlp_events
from lakehouse.formats.format import Fields
from lakehouse.formats.objects import otlp_request
from lakehouse.formats.objects.otlp_request import Encoding, OverBudget
from lakehouse.http.bounds import Refusal

PROTOBUF, JSON = "application/x-protobuf", "application/json"
ENCODINGS = {PROTOBUF: otlp_request.PROTOBUF, JSON: otlp_request.JSON}
# google.rpc.Code, which its Status has
CODES = {400: 3, 401: 16, 403: 7, 404: 5, 413: 3, 415: 3, 429: 8, 503: 14}
UNKNOWN_CODE = 2
MOST_WORDS = 1000
# what OpenTelemetry calls a service without a name
UNKNOWN_SERVICE = "unknown_service"


async def post_logs(request: Request, intake: Intake) -> Response:
    """Takes the records of a request, each as a message of its own."""
    kind, ids = content_type(request), event_ids(request)
    if kind not in ENCODINGS:
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"OTLP comes as {PROTOBUF} or {JSON}",
            "set the exporter's protocol to http/protobuf",
        )
    batch, _ = await intake.converted(request, partial(convert, encoding=ENCODINGS[kind], ids=ids))
    receipt = await intake.take(batch)
    if receipt.failed:
        raise not_acknowledged(receipt)
    return answer(kind, receipt.refused)


def convert(body: bytes, batch: Batch, encoding: Encoding, ids: EventId) -> None:
    """Adds the records of a body to a batch. Raises Refused where it is no request of logs."""
    try:
        for number, event in enumerate(otlp_events.events(body, encoding, batch.most)):
            batch.add(event if event is None else _message(event, ids(number)))
    except OverBudget:
        raise too_many(batch.most) from None
    except ValueError as error:
        raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from None


def _message(event: Fields, event_id: str | None) -> bytes:
    event.setdefault("service", UNKNOWN_SERVICE)
    if event_id:
        event.setdefault("event_id", event_id)
    return msgspec.json.encode(event)


def answer(kind: str, refused: dict[int, str]) -> Response:
    """The answer to a request whose records are acknowledged, but for those that are refused."""
    why = next((f"record {number}: {words}" for number, words in sorted(refused.items())), "")
    if kind == JSON:
        part = {"rejectedLogRecords": str(len(refused)), "errorMessage": why}
        return Response(orjson.dumps({"partialSuccess": part} if refused else {}), media_type=JSON)
    made = ExportLogsServiceResponse()
    if refused:
        made.partial_success.rejected_log_records = len(refused)
        made.partial_success.error_message = why
    return Response(made.SerializeToString(), media_type=PROTOBUF)


def refusal(kind: str, refused: Refusal) -> Response:
    """An error as a `google.rpc.Status`, in the content type of the request."""
    words = f"{refused.what}: {refused.remedy}" if refused.remedy else refused.what
    code, words = CODES.get(int(refused.status), UNKNOWN_CODE), words[:MOST_WORDS]
    if kind == PROTOBUF:
        return Response(_status(code, words.encode()), int(refused.status), media_type=PROTOBUF)
    return Response(
        orjson.dumps({"code": code, "message": words}), int(refused.status), media_type=JSON
    )


def content_type(request: Request) -> str:
    """The media type of a request, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _status(code: int, words: bytes) -> bytes:
    """The two fields of a Status: code (1, a number) and message (2, a text)."""
    length, rest = bytearray(), len(words)
    while rest > 0x7F:
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    return b"\x08%c\x12%b%b" % (code, bytes([*length, rest]), words)
