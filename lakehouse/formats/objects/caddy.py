"""Caddy's JSON access log. Pure."""

from __future__ import annotations

from lakehouse.formats.objects.known import known

FORMAT = known(
    "caddy",
    "Caddy JSON",
    [("ts", "request.method", "request.uri")],
    {
        "ts": "timestamp",
        "level": "level",
        "logger": "logger",
        "msg": "message",
        "request.client_ip": "ip",
        "request.remote_ip": "ip",
        "request.remote_addr": "ip",
        "request.method": "method",
        "request.uri": "path",
        "request.headers.User-Agent": "user_agent",
        "status": "status_code",
        "size": "bytes_sent",
        "duration": "response_time",
        "user_id": "user",
    },
    {"response_time": "s"},
)
