"""Whatever stands in the parameters of any route: a bounded answer, and never a fault of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.pages import NAUGHTY, pages
from support.sites import shop

from analytics.web.app import discover
from analytics.web.base.live import STREAMS
from analytics.web.lake.commands import Result

pytestmark = pytest.mark.slow

MOST_BYTES = 2_000_000
ODD = (
    *NAUGHTY,
    "",
    "0",
    "-1",
    "1",
    "3",
    "999999999999999",
    "9" * 30,
    "1e400",
    "nan",
    "../..",
    "..%2f..",
    "/etc/passwd",
    "logs",
    "quarantine",
    "_state",
    "logs/../logs",
    "-10m",
    "-99999999999w",
    "2026-04-29T00:00:00Z",
    "0001-01-01",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "all",
    "7d",
    "5xx",
    "1.2.3",
    f"{10**30}.0.0",
    "0.99999999999999999999.99999999999999999999",
    "\x00",
    "\udcff",
    "ÿ" * 200,
    "x" * 5000,
    "difference",
    "verdict",
    "seen",
    "explained",
    "main",
)
# What commands answer whose pages ask for a list.
TRIED = {
    **dict.fromkeys(("since", "until"), "2026-05-01T00:00:00Z"),
    **dict.fromkeys(("times", "firing_minutes", "minutes", "seconds"), 1),
    "from": "rows",
    "incidents": [],
}
ANSWERS = {"rule list": [], "rule try": [TRIED]}
TEXT = st.sampled_from(ODD) | st.text(max_size=30)


def parameters(of: Dependant) -> Iterator[str]:
    """The names of the query parameters of a route, and of all that it depends on."""
    yield from (one.alias for one in of.query_params)
    for inner in of.dependencies:
        yield from parameters(inner)


def routes() -> list[tuple[str, str, list[str]]]:
    """Method, path and parameters of every route that ends; `part` is one of all pages."""
    found = [route for page in discover() for route in page.router.routes]
    return [
        (method, route.path, sorted({*parameters(route.dependant), "part", "token"}))
        for route in found
        if isinstance(route, APIRoute) and route.path not in STREAMS
        for method in sorted(route.methods)
    ]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The pages of a lake with everything in it, whose commands answer at once."""
    client = pages(shop(tmp_path_factory.mktemp("shop")))
    client.app.state.commands._result = lambda run, words: Result(
        datetime.now(UTC), ANSWERS.get(words[0], {})
    )
    return client


def filled(path: str, values: dict[str, str]) -> str:
    """A path with its parameters in place of their names."""
    for name, value in values.items():
        path = path.replace("{" + name + "}", quote(value, safe="", errors="surrogatepass"))
    return path


@pytest.mark.random
@pytest.mark.parametrize(("method", "path", "names"), routes(), ids=lambda one: str(one)[:40])
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_parameter_breaks_a_page(
    asked: Any, method: str, path: str, names: list[str], data: st.DataObject
) -> None:
    """It is answered, or refused in words."""
    inner = {name: data.draw(TEXT) or "x" for name in re.findall(r"{(\w+)}", path)}
    chosen = data.draw(st.lists(st.tuples(st.sampled_from(names), TEXT), max_size=4))
    query = [(name, value.encode(errors="surrogatepass")) for name, value in chosen]
    answer = asked.request(method, filled(path, inner), params=query)
    assert answer.status_code < 500, (answer.url, answer.text[:500])
    assert len(answer.content) < MOST_BYTES


@pytest.mark.parametrize("name", ["../..", "..", "_checkpoints", "logs/../logs", "nothing", "%00"])
@pytest.mark.parametrize("path", ["/tables?table=", "/travel?table="])
def test_a_table_is_one_of_ours(asked: Any, path: str, name: str) -> None:
    """Its name is no path."""
    assert asked.get(f"{path}{quote(name, safe='')}").status_code == 404


def test_every_page_is_tried() -> None:
    """The routes come from the pages themselves."""
    paths = {path for _, path, _ in routes()}
    assert {"/", "/explore", "/explore.csv", "/tables", "/api/diff/{table}"} <= paths
