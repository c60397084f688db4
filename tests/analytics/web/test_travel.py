"""Time travel: versions of a table, the lake at one, the difference of two."""

from __future__ import annotations

from typing import Any

import pytest
from support.lakes import Lake
from support.pages import EACH_NAUGHTY, pages
from support.sites import running, vacuumed


@pytest.fixture
def two(tmp_path: Any) -> Lake:
    """Two batches: five records and four."""
    return running(tmp_path)


def asked(lake: Lake, path: str) -> Any:
    """What the API answers."""
    return pages(lake).get(path).raise_for_status().json()


def test_a_version_tells_what_it_weighed(two: Lake) -> None:
    """Rows then and rows that it added, and which batch wrote it."""
    stops = [asked(two, f"/api/versions/logs/{number}") for number in (1, 2)]
    assert [(stop["rows"], stop["commit"]["rows"]) for stop in stops] == [(4, 4), (7, 3)]
    assert all(stop["commit"]["writer"].endswith("/logs") for stop in stops)


def test_versions_are_listed_newest_first(two: Lake) -> None:
    """From the one that is named, so many."""
    assert [one["version"] for one in asked(two, "/api/versions/logs")] == [2, 1, 0]
    newest = asked(two, "/api/versions/logs?newest=1&limit=1")
    assert [one["version"] for one in newest] == [1]


@pytest.mark.parametrize("table", ["logs", "quarantine"])
def test_as_of_leads_to_the_version(two: Lake, table: str) -> None:
    """What the slider hands to other pages shows that very version."""
    stop = asked(two, f"/api/versions/{table}/2")
    shown = asked(two, f"/api/tables?as_of={stop['as_of']}")["tables"]
    assert {one["name"]: one["version"] for one in shown}[table] == 2


@pytest.mark.slow
def test_two_versions_are_compared_in_either_order(two: Lake) -> None:
    """The older one is what was before."""
    told = [asked(two, f"/api/diff/logs?before={a}&after={b}") for a, b in ((1, 2), (2, 1))]
    assert told[0] == told[1]
    assert (told[0]["rows_added"], told[0]["rows_removed"]) == (3, 0)


def test_a_version_that_a_vacuum_took_is_gone(two: Lake) -> None:
    """The page says which can be read, and the slider starts there."""
    vacuumed(two)
    gone = pages(two).get("/travel?version=1")
    assert gone.status_code == 404
    assert "is gone: a vacuum deleted files of it" in gone.text
    assert 'min="1"' not in pages(two).get("/travel").text


@pytest.mark.parametrize("text", EACH_NAUGHTY)
def test_a_table_is_one_of_ours(two: Lake, text: str) -> None:
    """No other name comes near a path."""
    for path in ("/travel", "/tables"):
        answer = pages(two).get(path, params={"table": text})
        assert (answer.status_code, "<script>alert" in answer.text) == (404, False)
