"""One log event: the single place where a field is named, typed, bounded and explained.

Everything else is derived from here: the strict JSON decoder, the Arrow, Delta and Spark schemas,
the column comments, the documentation and the builders of the tests. Pure, standard library only.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

MISSING = dataclasses.MISSING


@dataclass(frozen=True)
class Column:
    """What a field means: its text, unit, OpenTelemetry attribute and bounds."""

    doc: str
    unit: str = ""
    otel: str = ""
    ge: float | None = None
    le: float | None = None
    bits: int = 64

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
    """A request that a service answered, as it travels in a message (JSON, key = `ip`)."""

    event_id: str = required("unique name of the event", otel="log.record.uid", ge=1)
    timestamp: datetime = required("when it happened (event time)", unit="UTC", otel="timestamp")
    service: str = required("service that answered", otel="service.name", ge=1)
    endpoint: str = required("route template, /api/items/{id}", otel="http.route", ge=1)
    status_code: int = required(
        "HTTP status", otel="http.response.status_code", ge=100, le=599, bits=32
    )
    ip: str = required("address of the client", otel="client.address", ge=1)
    level: str | None = optional("severity of the log line", otel="severity_text")
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
    trace_id: str | None = optional("trace of the request", otel="trace_id")


@dataclass(frozen=True, slots=True)
class DerivedFields:
    """What decoding adds to an event, computed natively on columns."""

    date: date = required("day of the event, a partition", unit="UTC")
    hour: int = required("hour of the event, 0-23, a partition", unit="UTC", bits=32)
    status_class: str = required("1xx to 5xx")
    is_error: bool = required("status of 400 or more")
    is_bot: bool | None = optional("crawler or tool, by its agent; NULL without one")
    client_family: str | None = optional("family of the agent: Chrome, Googlebot, curl, ...")


def column(of: dataclasses.Field[Any]) -> Column:
    """The meaning of one dataclass field."""
    meaning: Column = of.metadata["column"]
    return meaning


def is_required(of: dataclasses.Field[Any]) -> bool:
    """Whether every row must have the field."""
    return of.default is MISSING
