"""JSON as logstash and its encoders for logback and log4j write it. Pure."""

from __future__ import annotations

from lakehouse.formats.objects.known import known

FORMAT = known(
    "logstash",
    "logstash JSON",
    [("@timestamp", "@version")],
    {
        "@timestamp": "timestamp",
        "message": "message",
        "level": "level",
        "logger_name": "logger",
        "logger": "logger",
        "stack_trace": "exception",
        "HOSTNAME": "host",
        "host.name": "host",
        "host": "host",
        "traceId": "trace_id",
        "spanId": "span_id",
        "clientip": "ip",
        "response": "status_code",
        "verb": "method",
        "request": "path",
    },
)
