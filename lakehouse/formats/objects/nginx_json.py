"""nginx with a `log_format` of JSON: its variables by their own names. Pure."""

from __future__ import annotations

from lakehouse.formats.objects.known import known

FORMAT = known(
    "nginx-json",
    "nginx JSON",
    [
        ("remote_addr", "request", "status"),
        ("remote_addr", "request_uri", "status"),
        ("remote_addr", "uri", "status"),
    ],
    {
        "time_iso8601": "timestamp",
        "@timestamp": "timestamp",
        "timestamp": "timestamp",
        "time": "timestamp",
        "time_local": "timestamp",
        "msec": "timestamp",
        "remote_addr": "ip",
        "remote_user": "user",
        "request_method": "method",
        "request": "path",
        "request_uri": "path",
        "uri": "path",
        "status": "status_code",
        "body_bytes_sent": "bytes_sent",
        "bytes_sent": "bytes_sent",
        "http_user_agent": "user_agent",
        "request_time": "response_time",
        "server_name": "service",
    },
    {"response_time": "s"},
)
