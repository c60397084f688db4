"""Envoy's access log, in its default form. Pure."""

from __future__ import annotations

import re

from lakehouse.formats.requests.proxies import REQUEST, proxy

_LINE = re.compile(
    rf'\[(?P<timestamp>[^\]]{{20,40}})\] "{REQUEST}" (?P<status_code>\d+) (?P<response_flags>\S+) '
    r"(?P<bytes_received>\d+) (?P<bytes_sent>\d+) (?P<duration>\d{1,18}) (?P<upstream_time>\d+|-) "
    r'"(?P<ip>[^"]*)" "(?P<user_agent>[^"]*)" "(?P<request_id>[^"]*)" "(?P<authority>[^"]*)" '
    r'"(?P<upstream_host>[^"]*)"'
)
FORMAT = proxy("envoy", "Envoy access log", _LINE, lambda fields: float(fields.pop("duration")))
