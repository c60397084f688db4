"""`POST /ingest/SOURCE`: lines, a record each, in any format of the registry."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from io import BytesIO
from typing import Any, NamedTuple

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response

from gateway.batch import MOST_READ, Batch
from gateway.intake import Intake, in_words, not_acknowledged
from gateway.requests import EventId, Refused, event_ids
from gateway.stamp import stamped
from lakehouse.errors import SettingsError
from lakehouse.formats.messages import made
from lakehouse.formats.objects.json import TEXTS
from lakehouse.formats.reading import OnMissingTime, Reading
from lakehouse.formats.records import records
from lakehouse.formats.registry import named
from lakehouse.sources import Sources

SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SHOWN, MOST_LINES = 10, 1_000_000
ARRAY = re.compile(rb"\s*\[")
Convert = Callable[[bytes, Batch], "Lines"]


class Lines(NamedTuple):
    """The line on which each record of a batch begins, and how many are not of their format.

    These go to the topic as they are, where ingest puts them in quarantine. Records of a source of
    the lake are read there, so that nobody knows yet: None.
    """

    lines: list[int]
    unreadable: int | None = None


async def post_lines(request: Request, intake: Intake) -> Response:
    """Takes the lines of a body. The answer counts those that Kafka has."""
    ids, source = event_ids(request), _source(request)
    if source in intake.sources.by_name:
        topic, convert = _of_source(request, source, intake.sources, ids)
    else:
        topic, convert = intake.topic, partial(of_body, reading=_reading(request, source), ids=ids)
    batch, found = await intake.converted(request, convert)
    receipt = await intake.take(batch, topic)
    if receipt.failed:
        raise not_acknowledged(receipt)
    refused = [{"line": found.lines[n], "why": why} for n, why in sorted(receipt.refused.items())]
    answer: dict[str, Any] = {"taken": batch.records - len(refused)}
    if found.unreadable is not None:
        answer["unreadable"] = found.unreadable
    answer |= {"refused": len(refused), "first_refused": refused[:SHOWN]}
    return Response(orjson.dumps(answer), media_type="application/json")


def of_body(body: bytes, batch: Batch, reading: Reading, ids: EventId) -> Lines:
    """Adds the messages of a body, read here, to a batch."""
    make = None if named(reading.format).is_message else made(reading)
    lines, unreadable = list[int](), 0
    for line, record in _records(body, reading):
        is_long = len(record) > MOST_READ
        found = record if is_long or not make else make(record, None)
        for one in found if isinstance(found, list) else [found]:
            message = one if isinstance(one, bytes) else None
            if message and not is_long:
                message = stamped(message, ids(len(lines)), reading.source)
            unreadable += message is None
            lines.append(line)
            batch.add(message or record)
    return Lines(lines, unreadable)


def as_they_are(body: bytes, batch: Batch, reading: Reading, ids: EventId) -> Lines:
    """Adds the records of a body for a source that reads them itself to a batch; JSON gets the ids
    of a named request."""
    lines = list[int]()
    for line, record in _records(body, reading):
        event_id = ids(len(lines)) if reading.format == "json" else None
        batch.add((event_id and stamped(record, event_id, None)) or record)
        lines.append(line)
    return Lines(lines)


def _records(body: bytes, reading: Reading) -> Iterator[tuple[int, bytes]]:
    """The records of a body as those of a file, with the number of their first line.

    JSON may also be one array: then with the number of each element.
    """
    if body.count(b"\n") > MOST_LINES:
        raise Refused(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"a request may have {MOST_LINES:,} lines, blank ones too; nothing of it was taken",
            "send it in several requests",
        )
    is_array = reading.format == "json" and ARRAY.match(body)
    if is_array:
        reading = msgspec.structs.replace(reading, options={"layout": TEXTS})
    lines = (line.removesuffix(b"\n") for line in BytesIO(body))
    for number, record in enumerate(records(lines, reading), 1):
        yield number if is_array else record.line, record.original


def _source(request: Request) -> str:
    source: str = request.path_params["source"]
    if not SOURCE.fullmatch(source):
        raise Refused(
            HTTPStatus.NOT_FOUND, "a source is named by letters, digits, '.', '_' and '-'"
        )
    return source


def _of_source(request: Request, name: str, sources: Sources, ids: EventId) -> tuple[str, Convert]:
    """The topic of a source of the lake, and how a body becomes its records.

    Raises Refused for a source without a topic of its own, and where it is told twice how to read.
    """
    topics, format = sources.topics(name), sources.by_name[name].format
    if not topics:
        what = f"the source {name} has a pattern, and no topic to send to"
        raise Refused(HTTPStatus.BAD_REQUEST, what, "give it `topics`")
    if request.query_params.get("format", format) != format:
        what = f"the source {name} is of {format}"
        raise Refused(HTTPStatus.BAD_REQUEST, what, f"leave `format` out; {sources.file} says it")
    if format != "json" and ids(0):
        what = f"records of {format} go to the source {name} as they are, which take no ids"
        remedy = "leave the Idempotency-Key out, or send to a name that is no source, with ?format="
        raise Refused(HTTPStatus.BAD_REQUEST, what, remedy)
    reading = sources.by_name[name].reading(name, topics[0])
    return topics[0], partial(as_they_are, reading=reading, ids=ids)


def _reading(request: Request, source: str) -> Reading:
    """How lines of no source are read. `?format=` names the format; without one it is JSON."""
    try:
        format = named(request.query_params.get("format", "json"))
    except SettingsError as error:
        raise in_words(error) from None
    how: OnMissingTime = "reject" if format.is_message else "broker"
    name = format.name
    return Reading(source=source, format=name, on_missing_time=how, default_service=source)
