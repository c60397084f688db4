"""pino and bunyan, the JSON loggers of Node.js; their levels are numbers. Pure."""

from __future__ import annotations

from lakehouse.formats.objects.known import known

FORMAT = known(
    "pino",
    "pino JSON",
    [("level", "time", "pid", "hostname", "msg"), ("level", "time", "pid", "hostname", "req")],
    {
        "time": "timestamp",
        "level": "level",
        "msg": "message",
        "hostname": "host",
        "name": "service",
        "req.method": "method",
        "req.url": "path",
        "req.remoteAddress": "ip",
        "res.statusCode": "status_code",
        "responseTime": "response_time",
        "err.stack": "exception",
    },
    {"response_time": "ms"},
)
