"""Builders: the pages over a lake, asked within this process or by a real server."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.exceptions import StarletteDeprecationWarning
from support.lakes import Lake
from support.serving import serving
from support.windows import at, logged

from analytics.web.app import Options, create
from analytics.web.base.access import Access
from lakehouse.http.tokens import READ, Token, Tokens

with warnings.catch_warnings():
    warnings.simplefilter("ignore", StarletteDeprecationWarning)
    from starlette.testclient import TestClient

SCRIPT = "<script>alert(1)</script>"
# What people have broken pages, terminals and spreadsheets with.
NAUGHTY = (
    SCRIPT,
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE logs; --",
    "{{ 7*7 }}",
    "${7}",
    "</details><svg onload=alert(1)>",
    "\x1b[31mred\x1b[0m",
    "\u202egnp.exe",
    "=1+1",
    "%00",
    "\\",
    "'",
)
# For tests that ask once a text: all of them, of which the first four are tried each time.
AT_NIGHT = pytest.mark.nightly
EACH_NAUGHTY = (*NAUGHTY[:4], *(pytest.param(text, marks=AT_NIGHT) for text in NAUGHTY[4:]))


def pages(lake: Lake, **options: Any) -> TestClient:
    """Who asks the pages of a lake from this machine."""
    app = create(lake.places, Options(**options))
    return TestClient(app, base_url="http://127.0.0.1", follow_redirects=False)


SECRET = "a secret that is long"


def guarded(lake: Lake) -> Access:
    """Who has the token SECRET may ask, and nobody else."""
    return Access(Tokens(lake.places.tokens, [Token.of("chosen", READ, SECRET)]))


@contextmanager
def server(lake: Lake, **options: Any) -> Iterator[str]:
    """The address of a real server of the pages, which ends with the test."""
    known = Options(**options)
    app = create(lake.places, known)
    with serving(app, known.http, app.state.lake.closing.set) as at:
        yield at


def minutes(count: int, start: float = 0, each: int = 1) -> list[datetime]:
    """Times: `each` a minute, for so many minutes."""
    return [at(start + n) + timedelta(milliseconds=k) for n in range(count) for k in range(each)]


def named(names: list[str], **columns: Any) -> Any:
    """A row of `logs` a minute, with these event ids."""
    return logged(minutes(len(names)), event_id=names, **columns)


def hostile(text: str) -> Any:
    """A row of `logs` that has a text in every field that can hold it."""
    fields = (
        "event_id",
        "service",
        "endpoint",
        "ip",
        "level",
        "environment",
        "method",
        "path",
        "user_agent",
        "user",
        "app",
        "trace_id",
        "client_family",
    )
    return logged(minutes(1), **dict.fromkeys(fields, text))


def tags(html: str) -> list[str]:
    """The names of all elements of a page."""
    return re.findall(r"<([a-zA-Z][a-zA-Z0-9-]*)", html)
