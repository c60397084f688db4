"""Access logs of an AWS Application Load Balancer. Pure."""

from __future__ import annotations

import re

from lakehouse.formats.format import Fields
from lakehouse.formats.requests.proxies import proxy
from lakehouse.formats.values import number

_LINE = re.compile(
    r"(?P<type>https?|h2|grpcs|wss?) (?P<timestamp>\d{4}-\S+Z) (?P<elb>\S+) (?P<ip>\S+) "
    r"(?P<target>\S+) (?P<times>[-\d.]+ [-\d.]+ [-\d.]+) (?P<status_code>\d{3}|-) "
    r"(?P<target_status>\S+) (?P<bytes_received>\d+) (?P<bytes_sent>\d+) "
    r'"(?P<method>[A-Z-]+) (?P<origin>\w+://[^/" ]*)?(?P<path>[^" ]*) [^"]*" '
    r'"(?P<user_agent>[^"]*)"'
    r"(?P<more>(?: .*)?)"
)


def _millis(fields: Fields) -> float | None:
    """Its three times together, in seconds; -1 for one that there is not."""
    each = [number(one) for one in fields["times"].split(" ")]
    is_whole = all(isinstance(one, float) and one >= 0 for one in each)
    return round(sum(each) * 1e3, 3) if is_whole else None


FORMAT = proxy("alb", "AWS load balancer log", _LINE, _millis)
