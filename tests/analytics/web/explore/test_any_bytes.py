"""Whatever bytes Explore is asked with, it answers, or says in words what is wrong with them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.lakes import Lake
from support.pages import named, pages
from support.windows import Pond

pytestmark = [pytest.mark.slow, pytest.mark.random]

PATHS = ("/explore", "/api/explore", "/explore.csv", "/api/explore/complete", "/explore/tail")
NAMES = (
    *("query", "q", "add", "facet", "show", "by", "service", "endpoint", "status", "level", "bot"),
    *("last", "from", "to", "before", "at", "after", "part", "tail", "as_of"),
)
# What the parts of a request are made of, so that some of them mean something.
PARTS = [
    *("service:", "attributes.", 'attr."', '"', "\\", "(", ")", " OR ", " AND ", "NOT ", "-", "*"),
    *("level:>=", "date:>-10m", "time:", "status:(404 OR ", "..", "a", "timestamp", ",", "\x00"),
    *("host", "5xx", "-10m", "2026-04-29", "all", "1.0.0", "\ud800", "é", "\N{GRINNING FACE}"),
]
TEXTS = st.lists(st.sampled_from(PARTS), max_size=8).map("".join)
VALUES = st.binary(max_size=40) | TEXTS.map(lambda text: text.encode(errors="surrogatepass"))
ASKED = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=5)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The pages of a lake of a few rows; a tail of it ends at once."""
    lake = Lake.at(tmp_path_factory.mktemp("few"))
    odd = {"host": ["\x00", "a b", None], "attributes": [{"": "x", "a b": "\x00"}, None, {}]}
    Pond(lake).arrive(named(["a", "b", "c"], **odd))
    found = pages(lake)
    found.app.state.lake.closing.set()  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(asked=[("query", b"service: level:error")])
@example(asked=[("facet", b'attributes."" host'), ("show", b"attr."), ("last", b"all")])
@example(asked=[("facet", b"timestamp level"), ("from", b"0001-01-02"), ("to", b"9999-12-30")])
@example(asked=[("by", b"a\x00b")])
@example(asked=[("service", b"\x00"), ("last", b"all")])
@example(asked=[("q", b"x" * 300)])
@given(asked=ASKED)
def test_it_answers_or_says_what_is_wrong(
    client: Any, path: str, asked: list[tuple[str, bytes]]
) -> None:
    """With 200 or 400; with 404 where a moment is asked for that was not."""
    query = "&".join(f"{name}={quote_from_bytes(value, safe='')}" for name, value in asked)
    answer = client.get(f"{path}?{query}")
    missing = {404} if any(name == "as_of" for name, _ in asked) else set()
    assert answer.status_code in {200, 400} | missing, answer.text[:500]
    if answer.status_code != 200:
        assert "is broken" not in answer.text
        assert " " in answer.json()["error"] if path.startswith("/api/") else "<p" in answer.text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(query=st.binary(max_size=60))
def test_a_query_string_may_be_any_bytes(client: Any, query: bytes) -> None:
    """Also without a name, or with names that nothing has."""
    for path in PATHS:
        answer = client.get(f"{path}?{quote_from_bytes(query, safe='=&;+')}")
        assert answer.status_code in (200, 400), answer.text[:500]
