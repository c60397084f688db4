"""GELF, Graylog's JSON; its levels are those of syslog. Pure."""

from __future__ import annotations

from lakehouse.formats.objects.known import known

FORMAT = known(
    "gelf",
    "GELF",
    [("version", "host", "short_message")],
    {
        "timestamp": "timestamp",
        "level": "level",
        "short_message": "message",
        "full_message": "exception",
        "host": "host",
        "_logger": "logger",
        "_service": "service",
    },
)
