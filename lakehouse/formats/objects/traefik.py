"""Traefik's JSON access log; its durations are in nanoseconds. Pure."""

from __future__ import annotations

from lakehouse.formats.objects.known import known

FORMAT = known(
    "traefik",
    "Traefik JSON",
    [("DownstreamStatus", "RequestMethod")],
    {
        "time": "timestamp",
        "StartUTC": "timestamp",
        "level": "level",
        "msg": "message",
        "ServiceName": "service",
        "ClientHost": "ip",
        "ClientAddr": "ip",
        "ClientUsername": "user",
        "RequestMethod": "method",
        "RequestPath": "path",
        "DownstreamStatus": "status_code",
        "DownstreamContentSize": "bytes_sent",
        "Duration": "response_time",
        "request_User-Agent": "user_agent",
    },
    {"response_time": "ns"},
)
