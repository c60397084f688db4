"""Which column is which field of an event: by names that many programs use, and by values. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cache

from lakehouse.event.fields import LogEvent, column

Examples = Mapping[str, Sequence[str]]
# Sizes are in bytes and times in milliseconds, so a name in seconds (nginx: request_time) is none.
KNOWN = {
    "event_id": "",
    "timestamp": "@timestamp time ts datetime date_time time_local time_iso8601 event_time "
    "created_at logged_at date",
    "service": "service_name app_name application component",
    "endpoint": "route http_route",
    "status_code": "status code http_status response_code response_status sc_status",
    "ip": "client_ip remote_addr remote_ip ip_address client_address clientip c_ip source_ip "
    "x_forwarded_for remote_host client host",
    "level": "severity loglevel log_level",
    "environment": "env deployment stage",
    "method": "http_method request_method verb cs_method",
    "path": "url uri request request_uri request_path url_path cs_uri_stem target",
    "response_time": "response_time_ms duration_ms latency_ms elapsed_ms latency duration elapsed "
    "time_taken",
    "bytes_sent": "bytes size body_bytes_sent response_size content_length sc_bytes",
    "user_agent": "agent useragent http_user_agent cs_user_agent",
    "user": "user_id username user_name userid remote_user",
    "app": "client_app",
    "trace_id": "trace traceid",
}
TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?: ?(?:Z|[+-]\d\d.*))?")
NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
STATUS = re.compile(r"[1-5]\d\d")
METHOD = re.compile(r"GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS")


def proposed(examples: Examples) -> dict[str, str]:
    """Column to event field, each field once, of columns with some values of each.

    A name that says less (`host`) counts only where no better one is there.
    """
    by_name = {plain(name): name for name in reversed(list(examples))}
    found: dict[str, str] = {
        by_name[known]: field
        for field, names in _names().items()
        if (known := next((n for n in names if _fits(field, n, by_name, examples)), ""))
    }
    return {name: found[name] for name in examples if name in found}


def by_value(examples: Examples) -> dict[str, str]:
    """The same for columns without names, where all of their values look like it."""
    found: dict[str, str] = {}
    for name, values in examples.items():
        field = next((f for f, look in LOOKS.items() if values and all(map(look, values))), None)
        if field and field not in found.values():
            found[name] = field
    return found


def plain(name: str) -> str:
    """A name as those above are written: `clientIp`, `Client IP` and `client-ip` are one."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9@]+", "_", snake.lower()).strip("_")


def is_known(name: str) -> bool:
    """Whether a name is one of an event's field, or a usual one for it."""
    return any(plain(name) in names for names in _names().values())


def is_value(text: str) -> bool:
    """Whether a text is a number, a time or an address, as no name of a column is."""
    return bool(NUMBER.fullmatch(text) or TIME.fullmatch(text) or is_address(text))


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


LOOKS: Mapping[str, Callable[[str], object]] = {
    "timestamp": TIME.fullmatch,
    "ip": is_address,
    "status_code": STATUS.fullmatch,
    "method": METHOD.fullmatch,
    "path": lambda text: text.startswith("/"),
}


@cache
def _names() -> dict[str, list[str]]:
    """Each field's names, the surest first: its own, OpenTelemetry's, then usual ones."""
    return {
        one.name: [one.name, plain(column(one).otel) or one.name, *KNOWN.get(one.name, "").split()]
        for one in fields(LogEvent)
    }


def _fits(field: str, known: str, by_name: Mapping[str, str], examples: Examples) -> bool:
    """`host` and `client` are names of machines as often as they are addresses."""
    if known not in by_name:
        return False
    return field != "ip" or known == field or any(map(is_address, examples[by_name[known]]))
