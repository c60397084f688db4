"""Which column is which field of an event: by names that many programs use, and by values. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import Any

from lakehouse.event.fields import LogEvent, column
from lakehouse.event.severity import severity
from lakehouse.formats import times, values
from lakehouse.formats.values import NOTHING, is_address

Examples = Mapping[str, Sequence[Any]]
# Names that say the unit of a time to answer come by their ending; these are in ms, or say none.
KNOWN = {
    "event_id": "",
    "timestamp": "@timestamp time ts datetime date_time time_local time_iso8601 event_time asctime "
    "created_at logged_at time_generated time_created eventtime @t t date t_date timestamp_seconds "
    "edge_start_timestamp",
    "service": "service_name servicename app_name application component",
    "endpoint": "route http_route",
    "status_code": "status code http_status response_code response_status sc_status statuscode "
    "http_request_status edge_response_status",
    "ip": "client_ip remote_addr remote_ip ip_address client_address clientip c_ip source_ip "
    "x_forwarded_for http_request_remote_ip remote_host client host",
    "level": "severity loglevel log_level lvl levelname severity_text @l s status",
    "environment": "env deployment stage",
    "method": "http_method request_method verb cs_method "
    "http_request_request_method client_request_method",
    "path": "url uri request request_uri request_path url_path cs_uri_stem target "
    "http_request_request_url client_request_uri",
    "response_time": "response_time_ms duration latency elapsed took request_time time_taken "
    "http_request_latency",
    "bytes_sent": "bytes size body_bytes_sent response_size content_length sc_bytes "
    "http_request_response_size edge_response_bytes",
    "user_agent": "agent useragent http_user_agent cs_user_agent "
    "http_request_user_agent client_request_user_agent",
    "user": "user_id username user_name userid remote_user",
    "app": "client_app",
    "trace_id": "trace traceid dd_trace_id",
    "message": "msg @m @mt body text log log_message description short_message text_payload "
    "json_payload_message event",
    "logger": "logger_name loggername category log_logger source_context",
    "host": "hostname host_name machine server node computer computername machinename",
    "exception": "@x stack_trace stacktrace traceback exc_info exception_stacktrace error_stack "
    "err_stack stack",
    "span_id": "span spanid dd_span_id",
}
# How the name of a time to answer ends where it tells its unit.
ENDINGS = {
    "ms": r"(?:_ms|_millis|_milliseconds|_msec)",
    "s": r"(?:_s|_sec|_secs|_seconds)",
    "us": r"(?:_us|_micros|_microseconds)",
    "ns": r"(?:_ns|_nanos|_nanoseconds)",
}
DURATION = r"(?:response_time|duration|latency|elapsed|took|request_time|time_taken|process_time)"
IN_MILLIS = ("response_time",)
DATE = re.compile(r"\d{4}[-/.]\d\d[-/.]\d\d|\d\d?[./]\d\d?[./]\d{4}")
CLOCK = re.compile(r"\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?")
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
STATUS = re.compile(r"[1-5]\d\d")
METHOD = re.compile(r"GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE|[A-Z][A-Z-]{2,24}")
VERB = re.compile(r"GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS")
LEVEL = re.compile(r"[A-Za-z]{1,16}\d?|\d{1,5}")
# Names that are a level's only where all of their values are words for one.
SHORT_OF_LEVEL = ("s", "status")
# So many of a column's values have to be times.
MOST = 0.75


def proposed(examples: Examples) -> dict[str, str]:
    """Column to event field, each field and each column once, where the values convert.

    A name that says less (`host`) counts only where no better one is there.
    """
    by_name = {plain(name): name for name in reversed(list(examples))}
    found = _apart(by_name, examples)
    done = {*found.values()}
    for field, names in _names().items():
        ways = [*names, *(n for n in by_name if field == "response_time" and unit_of_name(n))]
        name = next(
            (n for n in ways if field not in done and _fits(field, n, by_name, examples)), ""
        )
        if name and by_name[name] not in found:
            found[by_name[name]] = field
    return {**found, **{name: found[name] for name in examples if name in found}}


def by_value(examples: Examples) -> dict[str, str]:
    """The same for columns without names, where all of their values look like it."""
    found: dict[str, str] = {}
    for name, some in examples.items():
        field = next((f for f, look in LOOKS.items() if some and all(map(look, some))), None)
        if field and field not in found.values():
            found[name] = field
    return found


def plain(name: str) -> str:
    """A name as those above are written: `clientIp`, `Client IP` and `client-ip` are one."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9@]+", "_", snake.lower()).strip("_")


def is_known(name: str) -> bool:
    """Whether a name is one of an event's field, or a usual one for it."""
    own = plain(name)
    return any(own in names for names in _names().values()) or bool(unit_of_name(own))


def names_of(field: str) -> list[str]:
    """The names of a field as `plain` has them, the surest first: its own is the first."""
    return _names()[field]


def unit_of_name(name: str) -> str:
    """The unit that the name of a time to answer tells; empty where it tells none."""
    own = plain(name)
    if own in IN_MILLIS:
        return "ms"
    endings = (u for u, e in ENDINGS.items() if re.fullmatch(rf"\w*?{DURATION}{e}", own))
    return next(endings, "")


def is_value(text: str) -> bool:
    """Whether a text is a number, a time or an address, as no name of a column is."""
    looks = (NUMBER.fullmatch, DATE.fullmatch, times.is_time, is_address)
    return any(look(text) for look in looks)


LOOKS: Mapping[str, Callable[[Any], object]] = {
    "timestamp": lambda value: times.is_time(value) and not NUMBER.fullmatch(str(value)),
    "ip": lambda value: is_address(str(value).strip()),
    "status_code": lambda value: STATUS.fullmatch(str(value).strip()),
    "method": lambda value: VERB.fullmatch(str(value).strip()),
    "path": lambda value: str(value).startswith("/"),
}


@cache
def _names() -> dict[str, list[str]]:
    """Each field's names, the surest first: its own, OpenTelemetry's, then usual ones."""
    otel = {one.name: plain(column(one).otel) for one in fields(LogEvent)}
    own = [*otel, *(name for name in KNOWN if name not in otel)]
    return {name: [name, otel.get(name) or name, *KNOWN.get(name, "").split()] for name in own}


def _apart(by_name: Mapping[str, str], examples: Examples) -> dict[str, str]:
    """A date and a time of day in two columns, the date first."""
    day, clock = by_name.get("date", ""), by_name.get("time", "")
    pairs = ((day, DATE), (clock, CLOCK))
    if all(name and _all(look.fullmatch, examples[name]) for name, look in pairs):
        return {day: "timestamp", clock: "timestamp"}
    return {}


def _all(look: Callable[[str], object], some: Sequence[Any]) -> bool:
    held = [str(value).strip() for value in some if _is_there(value)]
    return bool(held) and all(map(look, held))


def _is_there(value: Any) -> bool:
    return value is not None and not (isinstance(value, str) and value.strip() in NOTHING)


def _fits(field: str, known: str, by_name: Mapping[str, str], examples: Examples) -> bool:
    """Whether a name is there, and its values convert; of none it is not known, and the name says.

    `host` and `client` are names of machines as often as they are addresses.
    """
    if known not in by_name:
        return False
    held = [value for value in examples[by_name[known]] if _is_there(value)]
    if field == "level" and known in SHORT_OF_LEVEL:
        return bool(held) and all(isinstance(v, str) and severity(v) for v in held)
    if field == "ip":
        return known == field or any(is_address(str(values.address(v))) for v in held)
    if field == "timestamp":
        share = sum(map(times.is_time, held))
        return known == field or (bool(held) and share >= MOST * len(held))
    return all(_converts(field, value) for value in held)


def _converts(field: str, value: Any) -> bool:
    if isinstance(value, dict | list):
        return False
    if field == "response_time":
        return values.has_unit(value) or _is(float | int, values.number(value))
    if field == "status_code":
        found = values.integer(value)
        return _is(int, found) and 100 <= found <= 599
    if field in ("level", "method"):
        return bool((LEVEL if field == "level" else METHOD).fullmatch(str(value).strip()))
    kind = values.KINDS.get(field, str)
    return kind is str or _is(kind, values.converter(field)(value))


def _is(kind: Any, value: Any) -> bool:
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
