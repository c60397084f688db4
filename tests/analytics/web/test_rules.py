"""Rules: what each told by day, what the files say, and a filter tried as one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from support.lakes import Lake
from support.own_rules import written
from support.pages import NAUGHTY, SCRIPT, pages
from support.sites import incident
from support.trouble import close_minutes, put, spike

from lakehouse.tables.catalog import ANOMALIES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two and a half hours with a spike; all minutes closed, and two incidents of rules."""
    lake = Lake.at(tmp_path_factory.mktemp("shop"))
    put(lake, spike, 150)
    close_minutes(lake, 150)
    store(lake, "busy", "open", "critical")
    store(lake, "errors", "closed", "warning")
    return lake


def store(lake: Lake, rule: str, status: str, severity: str, text: str = "shop") -> None:
    """An incident of a rule, half an hour long, of two hours ago."""
    opened = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=2)
    row = {
        **incident(SCRIPT),
        "sentence": text,
        "key": text,
        "service": "",
        "endpoint": "",
        "ip": "",
        "scope": "global",
        "direction": "up",
        "parent": "",
        "incident_id": f"{rule:.8}-{status}",
        "status": status,
        "severity": severity,
        "rule": rule,
        "measure": f"rule:{rule}",
        "labels": [f"team={text}"],
        "runbook": "https://wiki.example.org/x",
        "message": text,
        "opened": opened,
        "last_breach": opened + timedelta(minutes=29),
        "folded_to": opened,
        "date": opened.date(),
    }
    lake.put(pa.Table.from_pylist([row], ANOMALIES.columns), key=rule, table=ANOMALIES)


def test_each_rule_has_its_days(shop: Lake) -> None:
    """Those with open incidents first; a day leads to its incidents."""
    text = pages(shop).get("/rules").raise_for_status().text
    assert text.index(">busy<") < text.index(">errors<")
    assert "1 open" in text
    assert text.count("on for") >= 4
    assert "measure=rule%3Abusy&amp;since=" in text


def test_an_incident_names_its_rule(shop: Lake) -> None:
    """With its runbook and labels, and without a chance of it."""
    text = pages(shop).get("/incidents/busy-open").raise_for_status().text
    assert "https://wiki.example.org/x" in text
    assert "team=shop" in text
    assert "chance" not in text


def test_what_the_files_say(shop: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their rules with their state, and those that do not fit with why."""
    folder = written(tmp_path / "rules", '[busy]\nwhen = "count > 1 in 5 min"\n[bad]\nwhen = "x"\n')
    monkeypatch.setenv("LOGPOND_RULES", str(folder))
    asked = pages(shop)
    rows = asked.get("/api/rules").raise_for_status().json()
    assert {row["rule"]: row["state"] for row in rows} == {
        "busy": "firing",
        "errors": "gone",
        "": "broken",
    }
    text = asked.get("/rules", params={"part": "files"}).raise_for_status().text
    assert "count &gt; 1 in 5 min" in text
    assert "is no condition" in text


def test_a_filter_is_tried_as_a_rule(shop: Lake) -> None:
    """Explore leads there; how often it would have told, and the text to keep."""
    asked = pages(shop)
    assert "/rules/new?query=endpoint" in asked.get("/explore?last=all&query=endpoint:/cart").text
    given = {
        "query": "endpoint:/cart",
        "over": "700",
        "period": "5 min",
        "by": "service",
        "go": "1",
    }
    text = asked.get("/rules/new", params=given).raise_for_status().text
    assert "It would have told 1 time<" in text
    assert "when = &#34;count where endpoint:/cart &gt; 700 in 5 min&#34;" in text
    assert "by = [&#34;service&#34;]" in text


@pytest.mark.parametrize("text", [*NAUGHTY[:4], "statux:5", "a > 1 in 1 min by b", "--lake"])
def test_what_is_no_rule_is_said(shop: Lake, text: str) -> None:
    """In words, and nothing of it is markup."""
    asked = pages(shop).get("/rules/new", params={"query": text, "over": "many", "go": "1"})
    assert asked.status_code == 200
    assert "is no file of rules and no condition" in asked.text
    assert SCRIPT not in asked.text


def test_prometheus_is_told(shop: Lake) -> None:
    """Of each rule how many of its incidents are open; 0 for one that is quiet."""
    text = pages(shop).get("/metrics").text
    assert 'logpond_rule_firing{rule="busy",severity="critical"} 1.0' in text


def test_names_of_rules_are_no_markup(lake: Lake) -> None:
    """Whatever somebody wrote into the table."""
    put(lake, spike, 1)
    store(lake, SCRIPT, "open", "warning", SCRIPT)
    asked = pages(lake)
    assert SCRIPT not in asked.get("/rules").raise_for_status().text
    ids = asked.get("/api/incidents").json()["incidents"]
    assert SCRIPT not in asked.get(f"/incidents/{ids[0]['incident_id']}").text
