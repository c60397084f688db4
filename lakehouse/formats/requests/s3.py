"""Server access logs of S3. Pure."""

from __future__ import annotations

import re

from lakehouse.formats.format import Fields
from lakehouse.formats.requests.proxies import REQUEST, proxy

_LINE = re.compile(
    r"(?P<owner>\S+) (?P<bucket>\S+) \[(?P<timestamp>[^\]]{20,40})\] (?P<ip>\S+) (?P<user>\S+) "
    r"(?P<request_id>\S+) (?P<operation>[A-Z0-9]+\.[A-Z0-9_.]+) (?P<key>\S+) "
    rf'(?:"{REQUEST}"|-) (?P<status_code>\d{{3}}|-) (?P<error_code>\S+) (?P<bytes_sent>\d+|-) '
    r"(?P<object_size>\d+|-) (?P<total_time>\d{1,18}|-) (?P<turn_around_time>\d+|-) "
    r'(?:"(?P<referer>[^"]*)"|-) (?:"(?P<user_agent>[^"]*)"|-)(?P<more>(?: .*)?)'
)


def _millis(fields: Fields) -> float | None:
    """From the request's arrival to the last byte of the answer."""
    return float(fields.pop("total_time")) if "total_time" in fields else None


FORMAT = proxy("s3", "server access log of S3", _LINE, _millis)
