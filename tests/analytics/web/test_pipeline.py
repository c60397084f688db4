"""Pipeline and Tables: batches by phase, what was rejected, the promise, what tables weigh."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from support.aging import three_days
from support.lakes import Lake
from support.pages import EACH_NAUGHTY, SCRIPT, pages
from support.sites import TEXTS, nasty, running, vacuumed

from analytics.web.pipeline.batches import batches
from lakehouse import store
from lakehouse.ingest.absent import Absent, Loss
from lakehouse.store import Key
from lakehouse.tables.catalog import LOGS

pytestmark = pytest.mark.slow


@pytest.fixture
def two(tmp_path: Any) -> Lake:
    """Two batches: five records and four, one reject each."""
    return running(tmp_path)


def asked(lake: Lake, path: str) -> Any:
    """What the API answers."""
    return pages(lake).get(path).raise_for_status().json()


def test_batches_are_told_by_phase(two: Lake) -> None:
    """Rows, rejects, and three spans of time that are known without anybody running."""
    found = batches(two.places)
    assert [(one.batch, one.rows, one.rejects) for one in found] == [(0, 4, 1), (1, 3, 1)]
    assert all(None not in (one.decode, one.commit, one.finish) for one in found)
    assert all(one.began and one.began < datetime.now(UTC) for one in found)


def test_a_batch_that_is_not_completed_is_not_told(two: Lake) -> None:
    """Its phases are not over."""
    two.batch(2, {0: 12}, crash="logs")
    assert [one.batch for one in batches(two.places)] == [0, 1]


def test_the_newest_batches_are_told(two: Lake) -> None:
    """So many as are asked for, the oldest first."""
    assert [one.batch for one in batches(two.places, count=1)] == [1]


def test_rejects_are_told_by_reason(two: Lake) -> None:
    """With where each came from."""
    told = asked(two, "/api/quarantine")
    assert [(one["reason"], one["rows"]) for one in told["reasons"]] == [("syntax", 2)]
    assert {one["_offset"] for one in told["rejects"]} == {1, 6}
    assert asked(two, "/api/quarantine?reason=empty")["rejects"] == []


@pytest.mark.slow
def test_payloads_are_harmless(tmp_path: Any) -> None:
    """What came is shown as text, whatever it was; control characters can be seen."""
    shown = pages(nasty(tmp_path)).get("/pipeline").text
    assert SCRIPT not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize("text", EACH_NAUGHTY)
def test_a_reason_is_a_value_and_no_sql(two: Lake, text: str) -> None:
    """It is bound."""
    answer = pages(two).get("/api/quarantine", params={"reason": text})
    assert (answer.status_code, answer.json()["rejects"]) == (200, [])


@pytest.mark.slow
def test_the_promise_is_verified_once_asked(two: Lake) -> None:
    """Nothing is known before; then the verdict, with its time, and what it goes on from."""
    client = pages(two)
    assert client.get("/api/verify").json()["verdict"] is None
    assert client.post("/api/verify").json()["verdict"]["ok"]
    assert client.get("/api/verify").json()["at"]
    assert "All was counted (nothing was proved before)" in client.get("/pipeline").text
    client.post("/api/verify")
    assert "files unchanged since proof 1 of" in client.get("/pipeline").text


@pytest.mark.slow
def test_offsets_without_rows_are_told(two: Lake) -> None:
    """A loss that somebody acknowledged is shown ever after; where there is none, nothing is."""
    client = pages(two)
    client.post("/api/verify")
    assert "lost and acknowledged" not in client.get("/pipeline").text
    loss = {"topic": two.topic.name, "partition": 0, "first": 0, "last": 0}
    Absent(two.places).acknowledge(Loss(**loss, reason="r", by="b", at=datetime.now(UTC)))
    store.remove(two.places, LOGS, "_offset = 0", Key("lost", 1))
    assert client.post("/api/verify").json()["verdict"]["lost"] == 1
    assert "1 lost and acknowledged" in client.get("/pipeline").text


def test_another_site_cannot_make_us_verify(two: Lake) -> None:
    """A browser says who asks."""
    answer = pages(two).post("/api/verify", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


def test_tables_tell_upkeep_and_how_far_back(two: Lake) -> None:
    """Files before and after, the oldest version, the last OPTIMIZE and VACUUM."""
    vacuumed(two)
    logs = next(one for one in asked(two, "/api/tables")["tables"] if one["name"] == "logs")
    assert logs["rows"] == 7
    assert logs["vacuumed"]["version"] <= logs["version"]
    assert logs["oldest_version"] == 3


def test_partitions_are_told_by_day_and_hour(lake: Lake) -> None:
    """The newest day first."""
    told = asked(three_days(lake), "/api/tables/logs/partitions")
    assert [(part["date"], part["slot"], part["rows"]) for part in told] == [
        ("2026-05-10", "03", 5),
        ("2026-05-08", "03", 5),
        ("2026-05-01", "11", 8),
    ]


def test_an_hour_of_the_heat_map_leads_to_its_rows(lake: Lake) -> None:
    """The darkest is the one with the most."""
    shown = pages(three_days(lake)).get("/tables").text
    assert 'class="l9" href="/explore?from=2026-05-01T11%3A00%3A00Z' in shown


def test_texts_of_every_reject_are_there(tmp_path: Any) -> None:
    """One row a payload."""
    assert len(asked(nasty(tmp_path), "/api/quarantine")["rejects"]) == len(TEXTS)
