"""Time travel: versions of a table, the lake at one, the difference of two."""

from __future__ import annotations

from typing import Any

import pytest
from support.lakes import Lake
from support.pages import EACH_NAUGHTY, pages
from support.pasts import Diary
from support.sites import running, vacuumed

from lakehouse import maintenance

pytestmark = pytest.mark.slow


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


def test_a_version_that_a_vacuum_took_is_read_from_the_rows_of_now(two: Lake) -> None:
    """The slider starts at the first one, and the page says what it is read from."""
    vacuumed(two)
    page = pages(two).get("/travel?version=1").raise_for_status().text
    assert "from the rows of now by the ledger of commits" in page
    assert 'min="0"' in page


@pytest.mark.parametrize("text", EACH_NAUGHTY)
def test_a_table_is_one_of_ours(two: Lake, text: str) -> None:
    """No other name comes near a path."""
    for path in ("/travel", "/tables"):
        answer = pages(two).get(path, params={"table": text})
        assert (answer.status_code, "<script>alert" in answer.text) == (404, False)


@pytest.mark.slow
def test_pages_show_versions_that_delta_has_not_kept(lake: Lake) -> None:
    """With their rows, their commit, and by what they are read."""
    diary = Diary(lake)
    diary.commits(130)
    maintenance.optimize(lake.places, "logs")
    diary.trim()

    stop = asked(lake, "/api/versions/logs/40")
    assert (stop["rows"], stop["commit"]["rows"]) == (diary.notes[40][0], 2)
    assert "by the ledger of commits" in stop["source"]
    tables = asked(lake, "/api/tables?as_of=40")["tables"]
    assert {one["name"]: (one["version"], one["rows"]) for one in tables}["logs"] == (
        40,
        diary.notes[40][0],
    )
    page = pages(lake).get("/travel?version=40").raise_for_status().text
    assert 'min="0"' in page
    there = pages(lake).get("/explore?as_of=40").raise_for_status().text
    assert "by the ledger of commits" in there
