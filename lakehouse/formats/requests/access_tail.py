"""What stands after the agent in an access log line: fields that servers add. Pure.

A number whose unit is not known is kept, and taken for no time to answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

TEXT = r'(?:[^"\\]++|\\.)*+'
# As the pattern of a line has it: so each token ends where that has found its end.
_TOKEN = re.compile(
    rf'([A-Za-z_][\w.-]{{0,40}})=(?:"({TEXT})"|([^\s"]*+)(?!"))|"({TEXT})"|([^\s"]++(?:"{TEXT}")?)'
)
# nginx writes seconds with three places; no other usual field looks so.
_SECONDS = re.compile(r"\d{1,6}\.\d{3}")
_ADDRESSES = re.compile(r"[\da-fA-F.:]+(?:, ?[\da-fA-F.:]+)*")
# What was said of each upstream that was tried; a colon is before those of a redirect.
_SEVERAL = "{0}++(?:(?:, | : ){0}++)*+".format
_ADDRESS, _LENGTH, _TIME = map(_SEVERAL, (r"[^\s,]", r"[\d-]", r"[\d.-]"))
_INGRESS = re.compile(
    r" (?P<request_length>\d+) (?P<request_time>\d{1,9}\.\d{1,9}) \[(?P<upstream_name>[^\]]*)\]"
    r"(?: \[(?P<alternative_upstream>[^\]]*)\])?"
    rf" (?P<upstream_addr>{_ADDRESS}) (?P<upstream_response_length>{_LENGTH})"
    rf" (?P<upstream_response_time>{_TIME}) (?P<upstream_status>{_LENGTH})"
    r"(?: (?P<request_id>\w+))?\s*"
)
_TIMES = ("rt", "request_time")
_NOTHING = ("", "-")


def tail(text: str) -> Iterator[tuple[str, Any]]:
    """The fields of a tail: time to answer in ms, upstream, X-Forwarded-For; the rest by place."""
    ingress = _INGRESS.fullmatch(text)
    return _ingress(ingress) if ingress else _tokens(text)


def _ingress(found: re.Match[str]) -> Iterator[tuple[str, Any]]:
    yield "response_time", _millis(found["request_time"])
    for name, value in found.groupdict().items():
        if name != "request_time" and value not in (None, "-", ""):
            yield name, value


def _tokens(text: str) -> Iterator[tuple[str, Any]]:
    has_time = has_list = False
    for place, token in enumerate(_TOKEN.finditer(text), start=1):
        name, quoted, bare, alone, word = token.groups()
        value = next((v for v in (quoted, bare, alone, word) if v is not None), "")
        is_seconds = bool(_SECONDS.fullmatch(value))
        if value in _NOTHING:
            continue
        if not has_time and is_seconds and (name in _TIMES or not name):
            has_time = True
            yield "response_time", _millis(value)
        elif name:
            yield name, value
        elif is_seconds:
            yield "upstream_response_time", value
        elif not has_list and alone is not None and _ADDRESSES.fullmatch(value):
            has_list = True
            yield "x_forwarded_for", value
        else:
            yield f"field{place}", value


def _millis(seconds: str) -> float:
    return round(float(seconds) * 1e3, 6)
