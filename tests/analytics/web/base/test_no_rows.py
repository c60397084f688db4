"""Every route of the API answers where `logs` has no row, now or as of then: never a fault."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from support.lakes import Lake
from support.pages import pages
from support.sites import running

from analytics.web.app import discover
from analytics.web.base.live import STREAMS
from analytics.web.lake.commands import Result
from lakehouse import store
from lakehouse.tables.catalog import LOGS

NO_ROWS = ("/api/home", "/api/explore", "/api/explore/trace?id=a", "/api/explore/compare")
NOON = "2026-05-01T12:00:00Z"
# What goes into a path or a query; tried one set after the other.
VALUES = {"table": "logs", "version": "0", "name": "x", "incident_id": "a", "topic": "web-logs"}
VALUES |= {"before": "0", "after": "0"}
EXPLORE = {"id": "a", "last": "15m"}
GIVEN: list[dict[str, str]] = [
    EXPLORE,
    {**EXPLORE, "last": "all", "against": "1d", "sort": "errors", "by": "endpoint"},
    {**EXPLORE, "at": NOON, "against": NOON, "from": "2026-05-01", "to": NOON},
    {**EXPLORE, "to": NOON, "query": "cart", "text": "ser", "hours": "24", "bars": "begin"},
]
BODIES = [
    {"statement": "SELECT count(*) FROM logs"},
    {"statement": "FROM logs WHERE timestamp > $from"},
]


def untouched(folder: Path) -> Lake:
    """Nothing has been written yet."""
    return Lake.at(folder)


def begun(folder: Path) -> Lake:
    """A stream has begun, and nothing has come."""
    lake = Lake.at(folder)
    store.create(lake.places, LOGS)
    return lake


def restored(folder: Path) -> Lake:
    """All rows are taken back."""
    lake = running(folder)
    store.open_table(lake.places, "logs").restore(0)
    return lake


LAKES: list[tuple[Callable[[Path], Lake], dict[str, str]]] = [
    (untouched, {}),
    (begun, {}),
    (begun, {"as_of": "0"}),
    (running, {"as_of": "0"}),
    (restored, {}),
]


def names(of: Dependant) -> set[str]:
    """The query parameters of a route, and of all that it depends on."""
    return {one.alias for one in of.query_params}.union(*map(names, of.dependencies))


def asked(given: dict[str, str], at: dict[str, str]) -> list[tuple[str, str, dict[str, Any]]]:
    """A request to every route of the API with those of the values that it takes."""
    found = []
    routes = [route for page in discover() for route in page.router.routes]
    for route in (one for one in routes if isinstance(one, APIRoute)):
        if not route.path.startswith("/api/") or route.path in STREAMS:
            continue
        known = names(route.dependant)
        values = {**VALUES, **given}
        # `before` is a version to one, and a place in a list to others
        query = {
            n: v for n, v in values.items() if n in known and (n != "before" or "after" in known)
        }
        path = route.path
        for name, value in VALUES.items():
            path = path.replace("{" + name + "}", value)
        for method in sorted(route.methods):
            found.append((method, path, {"params": {**query, **at}}))
    return found


@pytest.mark.parametrize(("of", "at"), LAKES, ids=lambda one: getattr(one, "__name__", str(one)))
def test_every_route_answers_where_there_is_no_row(
    tmp_path: Path, of: Callable[[Path], Lake], at: dict[str, str]
) -> None:
    """With an answer, or with a refusal in words."""
    client = pages(of(tmp_path))
    client.app.state.commands._result = lambda run, words: Result(
        datetime.now(UTC), [] if words[0] == "rule list" else {}
    )
    for given in GIVEN:
        for method, path, options in asked(given, at):
            body = {"json": BODIES[GIVEN.index(given) % 2] | at} if method == "POST" else {}
            found = client.request(method, path, **options, **body)
            assert found.status_code < 500, f"{method} {path} {options}: {found.text[:300]}"
            if found.status_code >= 400:
                assert found.json(), path


@pytest.mark.parametrize("path", NO_ROWS)
def test_what_has_no_row_to_count_from_says_so(tmp_path: Path, path: str) -> None:
    """In words that fit the moment."""
    client = pages(running(tmp_path))
    then = client.get(path + ("&" if "?" in path else "?") + "as_of=0")
    assert (then.status_code, "no rows at this moment" in then.json()["error"]) == (404, True)
    now = pages(begun(tmp_path / "new")).get(path)
    assert (now.status_code, "no rows yet" in now.json()["error"]) == (404, True)
