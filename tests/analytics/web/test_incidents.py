"""Incidents: the list and its filters, and what the page of one tells."""

from __future__ import annotations

import html
import re
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from support.lakes import Lake
from support.pages import EACH_NAUGHTY, NAUGHTY, pages, tags
from support.sites import incident, nasty, running, shop

from analytics.web.lake.incidents import FILTERS
from lakehouse import store
from lakehouse.tables.catalog import ANOMALIES, LOGS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two and a half hours with a spike of the cart."""
    return shop(tmp_path_factory.mktemp("shop"))


def asked(lake: Lake, path: str) -> Any:
    """What the API answers."""
    return pages(lake).get(f"/api/incidents{path}").raise_for_status().json()


def put(lake: Lake, count: int, **fields: Any) -> None:
    """So many incidents, alike but for their ids."""
    rows = [{**incident(NAUGHTY[0]), "incident_id": f"{n:016x}", **fields} for n in range(count)]
    lake.put(pa.Table.from_pylist(rows, ANOMALIES.columns), key=f"{fields}", table=ANOMALIES)


def test_a_spike_is_told_with_its_minutes(told: Lake) -> None:
    """The sentence, the hour before it, what it was computed from: a version that can be read."""
    (one,) = [i for i in asked(told, "?service=shop")["incidents"] if i["scope"] == "endpoint"]
    story = asked(told, f"/{one['incident_id']}")

    assert "/cart" in story["incident"]["sentence"]
    assert max(value for _, value in story["series"]) > 3 * story["series"][30][1] > 0
    assert story["origin"]["is_readable"]
    assert len(story["samples"]) == len(set(story["incident"]["sample_event_ids"]))


def test_it_leads_to_what_changed_since_it_opened(told: Lake) -> None:
    """The same rows before and after: of its service and endpoint, which a spike multiplies."""
    (one,) = [i for i in asked(told, "?service=shop")["incidents"] if i["scope"] == "endpoint"]
    text = pages(told).get(f"/incidents/{one['incident_id']}").text
    link = re.search(r'href="([^"]+)">What changed since it opened', text)
    assert link
    found = pages(told).get("/api" + html.unescape(link[1])).raise_for_status().json()
    assert found["earlier_end"] == found["first"] == one["opened"]
    assert [change["name"] for change in found["changes"]] == ["/cart"]
    before, after = (found["whole"][side]["rows"] for side in ("before", "after"))
    assert after > before > 0


def test_before_it_the_lake_had_nothing_of_it(told: Lake) -> None:
    """The moment is that of the first row of its first minute: the commit of it came later."""
    (one,) = [i for i in asked(told, "?service=shop")["incidents"] if i["scope"] == "endpoint"]
    origin = asked(told, f"/{one['incident_id']}")["origin"]
    rows = store.open_table(told.places, LOGS).to_pyarrow_table(
        columns=["timestamp", "_ingested_at"]
    )
    first = datetime.fromisoformat(one["opened"])
    of_it = [
        at
        for t, at in zip(*rows.to_pydict().values(), strict=True)
        if first <= t < first + timedelta(minutes=1)
    ]
    assert datetime.fromisoformat(origin["before"]) == min(of_it)


def test_filters_leave_what_they_name(told: Lake) -> None:
    """Each value by itself, and what is left of the others is counted."""
    found = asked(told, "?measure=traffic&service=shop")
    assert {(i["measure"], i["service"]) for i in found["incidents"]} == {("traffic", "shop")}
    counted = {c["value"]: c["incidents"] for c in found["choices"]["service"]}
    assert counted["shop"] == len(found["incidents"])
    assert asked(told, "?status=open&until=2026-04-28")["incidents"] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("text", EACH_NAUGHTY)
def test_a_filter_is_a_value_and_no_sql(told: Lake, name: str, text: str) -> None:
    """It is bound: nothing is found, and nothing else happens."""
    answer = pages(told).get("/api/incidents", params={name: text})
    assert (answer.status_code, answer.json()["incidents"]) == (200, [])


def test_a_long_list_comes_in_pages(lake: Lake) -> None:
    """Fifty at a time, each once."""
    put(lake, 120)
    found = [asked(lake, f"?skip={skip}") for skip in (0, 50, 100)]
    ids = [one["incident_id"] for part in found for one in part["incidents"]]
    assert [part["has_more"] for part in found] == [True, True, False]
    assert len(ids) == len(set(ids)) == 120


def test_open_ones_come_first(lake: Lake) -> None:
    """Whatever opened later."""
    put(lake, 2, status="closed")
    put(lake, 1, status="open", incident_id="an open one")
    assert asked(lake, "")["incidents"][0]["incident_id"] == "an open one"


def test_text_of_an_incident_is_text(told: Lake, tmp_path: Any) -> None:
    """A page of naughty texts has no element that a page of plain ones lacks."""
    plain = set(tags(pages(told).get("/incidents").text))
    assert set(tags(pages(nasty(tmp_path)).get("/incidents").text)) <= plain


def test_an_unknown_incident_says_so(told: Lake) -> None:
    """In words, as a page and as JSON."""
    for path in ("/incidents/nope", "/api/incidents/nope", "/api/incidents/nope/explained"):
        answer = pages(told).get(path)
        assert answer.status_code == 404
        assert "there is no incident nope" in answer.text


def test_without_detection_the_page_says_what_to_do(tmp_path: Any) -> None:
    """The table is not there before detection ran."""
    answer = pages(running(tmp_path)).get("/incidents")
    assert answer.status_code == 200
    assert "logpond detect" in answer.text


def test_an_older_lake_lacks_columns(told: Lake) -> None:
    """What a version of the table does not have reads as nothing."""
    first = pages(told).get("/api/incidents?as_of=2").json()
    assert first.get("incidents", []) == [] or "error" in first
