"""One log event: the single place where a field is named, typed, bounded and explained.

Everything else is derived from here: the strict JSON decoder, the Arrow, Delta and Spark schemas,
the column comments, the documentation and the builders of the tests. Pure, standard library only.
"""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass, field
from datetime import date, datetime
from types import NoneType
from typing import Any

MISSING = dataclasses.MISSING


@dataclass(frozen=True)
class Column:
    """What a field means: its text, unit, OpenTelemetry attribute and bounds.

    `made` fields are in every row, but a message may lack them: decoding makes them then.
    """

    doc: str
    unit: str = ""
    otel: str = ""
    ge: float | None = None
    le: float | None = None
    bits: int = 64
    made: bool = False

    @property
    def comment(self) -> str:
        """The column comment: text, unit and OpenTelemetry attribute."""
        notes = [f"[{self.unit}]"] if self.unit else []
        notes += [f"OTel: {self.otel}"] if self.otel else []
        return " ".join([self.doc, *notes])


def required(doc: str, **facts: Any) -> Any:
    """A field that every event has."""
    return field(metadata={"column": Column(doc, **facts)})


def optional(doc: str, **facts: Any) -> Any:
    """A field that may be missing: it stays NULL and enters no average."""
    return field(default=None, metadata={"column": Column(doc, **facts)})


@dataclass(frozen=True, slots=True)
class LogEvent:
    """A line of a log, or a request that a service answered, as it travels in a message (JSON)."""

    event_id: str = required(
        "unique name of the event; made from where it came, where it has none",
        otel="log.record.uid",
        ge=1,
        made=True,
    )
    timestamp: datetime = required("when it happened (event time)", unit="UTC", otel="timestamp")
    service: str = required("service that wrote the line", otel="service.name", ge=1)
    message: str | None = optional("what the line says", otel="body")
    endpoint: str | None = optional("route template, /api/items/{id}", otel="http.route", ge=1)
    status_code: int | None = optional(
        "HTTP status", otel="http.response.status_code", ge=100, le=599, bits=32
    )
    ip: str | None = optional("address of the client", otel="client.address", ge=1)
    level: str | None = optional(
        "severity: TRACE, DEBUG, INFO, WARN, ERROR or FATAL", otel="severity_text"
    )
    severity_number: int | None = optional(
        "severity from 1 to 24; ERROR is 17 to 20", otel="severity_number", ge=1, le=24, bits=32
    )
    environment: str | None = optional("deployment", otel="deployment.environment.name")
    method: str | None = optional("HTTP method", otel="http.request.method")
    path: str | None = optional("path and query as requested", otel="url.path")
    response_time: float | None = optional(
        "time to answer", unit="ms", otel="http.server.request.duration", ge=0
    )
    bytes_sent: int | None = optional(
        "size of the answer", unit="By", otel="http.response.body.size", ge=0, le=2**63 - 1
    )
    user_agent: str | None = optional("client software", otel="user_agent.original")
    user: str | None = optional("name of the user", otel="user.name")
    app: str | None = optional("application of the client", otel="app.name")
    host: str | None = optional("machine that wrote the line", otel="host.name")
    logger: str | None = optional("logger or module that wrote the line", otel="log.logger.name")
    exception: str | None = optional("stack trace", otel="exception.stacktrace")
    span_id: str | None = optional("span within the trace", otel="span_id")
    trace_id: str | None = optional("trace of the request", otel="trace_id")


@dataclass(frozen=True, slots=True)
class DerivedFields:
    """What decoding adds to an event, computed natively on columns."""

    date: date = required("day of the event, a partition", unit="UTC")
    hour: int = required("hour of the event, 0-23, a partition", unit="UTC", bits=32)
    is_error: bool = required("status of 400 or more, or severity of ERROR and above")
    status_class: str | None = optional("1xx to 5xx; NULL without a status")
    is_bot: bool | None = optional("crawler or tool, by its agent; NULL without one")
    client_family: str | None = optional("family of the agent: Chrome, Googlebot, curl, ...")


@dataclass(frozen=True, slots=True)
class Leftover:
    """What no column of an event takes, and what was done to values that did not fit."""

    attributes: dict[str, str] | None = optional(
        "every key that no column takes: nested keys with dots, lists as JSON"
    )
    time_from: str | None = optional(
        "where timestamp is from: event, broker, previous (the line before), next, or file"
    )
    _misfits: list[str] | None = optional(
        "fields whose value did not fit and is in attributes; name:cut for one that was too long"
    )


def column(of: dataclasses.Field[Any]) -> Column:
    """The meaning of one dataclass field."""
    meaning: Column = of.metadata["column"]
    return meaning


def is_required(of: dataclasses.Field[Any]) -> bool:
    """Whether every row must have the field."""
    return of.default is MISSING


def kinds(of: type) -> dict[str, Any]:
    """The type of each field of a dataclass, without `| None`."""
    hints = typing.get_type_hints(of)
    return {f.name: _without_none(hints[f.name]) for f in dataclasses.fields(of)}


def _without_none(hint: Any) -> Any:
    given = typing.get_args(hint) if NoneType in typing.get_args(hint) else (hint,)
    return next(each for each in given if each is not NoneType)
