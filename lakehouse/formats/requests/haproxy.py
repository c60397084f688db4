"""HAProxy's HTTP log (`option httplog`), most often within syslog. Pure."""

from __future__ import annotations

import re

from lakehouse.formats.format import Fields
from lakehouse.formats.requests.proxies import REQUEST, proxy
from lakehouse.formats.values import number

_LINE = re.compile(
    r"(?P<ip>[\da-fA-F.:]+) \[(?P<timestamp>[^\]]{18,30})\] (?P<frontend>\S+) (?P<backend>\S+) "
    r"(?P<timers>[-+\d]+(?:/[-+\d]+){4}) (?P<status_code>\d{3}) \+?(?P<bytes_sent>\d+) "
    r"(?P<request_cookie>\S+) (?P<response_cookie>\S+) "
    r"(?P<termination>\S{4}) (?P<connections>\d+(?:/\+?\d+){4}) (?P<queues>\d+/\d+)"
    rf'(?: (?P<headers>\{{[^}}]*\}}(?: \{{[^}}]*\}})?))? "{REQUEST}"?'
)


def _millis(fields: Fields) -> float | None:
    """The last of the timers is the whole; -1 for one that was not reached."""
    whole = number(fields["timers"].rpartition("/")[2])
    return whole if isinstance(whole, float) and whole >= 0 else None


FORMAT = proxy("haproxy", "HAProxy HTTP log", _LINE, _millis)
