"""Elastic Common Schema, nested or dotted; its durations are in nanoseconds. Pure."""

from __future__ import annotations

from lakehouse.formats.objects.known import known

FORMAT = known(
    "ecs",
    "ECS JSON",
    [("@timestamp", "ecs.version"), ("@timestamp", "log.level")],
    {
        "@timestamp": "timestamp",
        "message": "message",
        "log.level": "level",
        "log.logger": "logger",
        "service.name": "service",
        "service.environment": "environment",
        "host.name": "host",
        "host.hostname": "host",
        "client.ip": "ip",
        "source.ip": "ip",
        "user.name": "user",
        "user_agent.original": "user_agent",
        "http.request.method": "method",
        "http.response.status_code": "status_code",
        "http.response.body.bytes": "bytes_sent",
        "http.response.bytes": "bytes_sent",
        "url.original": "path",
        "url.path": "path",
        "event.duration": "response_time",
        "event.id": "event_id",
        "trace.id": "trace_id",
        "span.id": "span_id",
        "error.stack_trace": "exception",
    },
    {"response_time": "ns"},
)
