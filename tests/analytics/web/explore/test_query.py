"""The query line of Explore: faults at their place, completion, and fields by choice."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from deltalake import write_deltalake
from support.lakes import Lake
from support.pages import EACH_NAUGHTY, named, pages
from support.windows import Pond, at, logged

from lakehouse.tables.catalog import LOGS

pytestmark = pytest.mark.slow


def explore(lake: Lake, **query: Any) -> dict[str, Any]:
    """What the API tells."""
    answer = pages(lake).get("/api/explore", params={"last": "all", **query})
    told: dict[str, Any] = answer.raise_for_status().json()
    return told


def facet(told: dict[str, Any], name: str) -> dict[str, int]:
    """Rows by value of a facet."""
    return {value["name"]: value["rows"] for value in told["found"]["facets"][name]}


def complete(lake: Lake, query: str, at: int | None = None) -> list[str]:
    """What may stand at a place of a query, or at its end."""
    asked = {"query": query, "at": len(query) if at is None else at}
    told = pages(lake).get("/api/explore/complete", params=asked).raise_for_status().json()
    return [
        f"{query[: told['start']]}{one['text']}{query[told['end'] :]}" for one in told["options"]
    ]


@pytest.fixture
def lines(lake: Lake) -> Lake:
    """Four lines of an application: no request, levels, hosts, attributes."""
    Pond(lake).arrive(
        named(
            ["a", "b", "c", "d"],
            service=["cart", "cart", "mailer", "cart"],
            message=["started", "slow <b>", None, "failed"],
            exception=[None, None, None, "Fault\n  at x"],
            level=["INFO", "WARN", "INFO", "ERROR"],
            severity_number=[9, 13, 9, 17],
            host=["web-1", "web-1", "web 2", None],
            attributes=[{"order_id": "1"}, {"order_id": "1", "a b": "x"}, None, {"order_id": "2"}],
            **dict.fromkeys(("endpoint", "path", "method", "ip", "user_agent", "is_bot")),
        )
    )
    return lake


def test_a_fault_of_the_api_has_its_place(lines: Lake) -> None:
    """As characters of the query."""
    found = pages(lines).get("/api/explore", params={"query": "service:cart statux:5"})
    told = found.json()
    assert (found.status_code, told["start"], told["end"]) == (400, 13, 20)
    assert "did you mean status:" in told["remedy"]


def test_a_fault_is_shown_below_its_place(lines: Lake) -> None:
    """On the page, with the query still in its field, and no rows."""
    found = pages(lines).get("/explore", params={"query": "service:cart statux:5"})
    assert found.status_code == 400
    assert "service:cart statux:5\n" + " " * 13 + "^" * 7 in found.text
    assert 'value="service:cart statux:5"' in found.text
    assert '<details class="log"' not in found.text


@pytest.mark.parametrize("name", ["facet", "show", "by"])
def test_a_field_by_choice_that_is_none_is_a_fault(lines: Lake, name: str) -> None:
    """With the field that it may have meant."""
    found = pages(lines).get("/api/explore", params={name: "host servce"})
    assert (found.status_code, "service" in found.json()["remedy"]) == (400, True)


@pytest.mark.parametrize("asked", ["query=statux:5", "show=nix", "status=9xx"])
def test_a_live_tail_tells_faults_before_it_begins(lines: Lake, asked: str) -> None:
    """As any page does: its answer would have no end."""
    assert pages(lines).get(f"/explore/tail?{asked}").status_code == 400


def test_any_field_is_a_facet(lines: Lake) -> None:
    """Columns and attributes, among the rows that all filters leave; rows without one count too."""
    told = explore(lines, facet='host attributes.order_id attributes."a b"', query="service:cart")
    assert facet(told, "host") == {"web-1": 2, "(none)": 1}
    assert facet(told, "attributes.order_id") == {"1": 2, "2": 1}
    assert facet(told, "attributes.a b") == {"(none)": 2, "x": 1}


def test_a_value_of_a_facet_is_a_term_of_the_query(lines: Lake) -> None:
    """Its link asks for it, and once it is asked for, no longer."""
    asked = {"last": "all", "facet": "host", "query": "service:*"}
    shown = pages(lines).get("/explore", params=asked).text
    links = [html.unescape(link) for link in re.findall(r'href="(/explore\?[^"]*web[^"]*)"', shown)]
    chosen = pages(lines).get(next(link for link in links if "web+2" in link)).text
    assert 'value="service:* host:&#34;web 2&#34;"' in chosen
    (back,) = re.findall(r'<a href="([^"]+)" aria-current="true"><span class="name">web 2<', chosen)
    assert 'name="query" value="service:*"' in pages(lines).get(html.unescape(back)).text


def test_bars_are_grouped_by_a_field(lake: Lake) -> None:
    """The five values with the most rows and all others; each bar is their sum."""
    hosts = [f"h{n}" for n in range(8) for _ in range(n + 1)]
    Pond(lake).arrive(logged([at(n % 7) for n in range(len(hosts))], host=hosts))
    found = explore(lake, by="host")["found"]
    names = [group["name"] for group in found["groups"]]
    assert names == ["h7", "h6", "h5", "h4", "h3", None]
    sums = [sum(counts) for counts in zip(*(g["counts"] for g in found["groups"]), strict=True)]
    assert sums == found["counts"]


def test_a_row_says_its_message_first(lines: Lake) -> None:
    """Its level, not a status; the stack trace, attributes and columns by choice with it."""
    shown = pages(lines).get("/explore", params={"last": "all", "show": "attributes.order_id"}).text
    newest = shown.split('<details class="log">')[1]
    for part in (
        '<span class="code s4">ERROR</span>',
        ">failed",
        "Fault\n  at x",
        "order_id</span> 2",
    ):
        assert part in newest
    assert "slow &lt;b&gt;" in shown
    assert "None" not in newest


def test_a_value_that_is_cut_says_so(lake: Lake) -> None:
    """Of an attribute as of any text."""
    Pond(lake).arrive(
        named(["a"], message="m" * 5000, attributes=[{"k": "v" * 5000, "s": "ß" * 600}])
    )
    (row,) = explore(lake)["part"]["rows"]
    assert row["message"] == "m" * 4096 + "…"
    assert row["attributes"] == {"k": "v" * 1024 + "…", "s": "ß" * 600}


def test_rows_without_requests_have_no_facets_of_requests(lines: Lake) -> None:
    """Nothing is shown of what no row has."""
    shown = pages(lines).get("/explore?last=all").text
    titles = re.findall(r"<h2>(\w+)", shown)
    assert ("service" in titles, "endpoint" in titles, "bot" in titles) == (True, False, False)


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("ser", ["service:", "user_agent:", "user:"]),
        (
            "level:warn -ho",
            [
                "level:warn -host:",
                "level:warn -hour:",
                "level:warn -hostname:",
                "level:warn -method:",
            ],
        ),
        ("service:c", ["service:cart"]),
        ("host:", ["host:web-1", 'host:"web 2"']),
        ('host:"web', ["host:web-1", 'host:"web 2"']),
        ("host:(web-1 OR ", ["host:(web-1 OR web-1", 'host:(web-1 OR "web 2"']),
        ("level:>=e", ["level:>=ERROR"]),
        ("is_error:t", ["is_error:true"]),
        ("attributes.o", ["attributes.order_id:"]),
        ("attr.o", ["attributes.order_id:"]),
        ("-ATTR.", ["-attributes.order_id:", '-attributes."a b":']),
        ('attr."a ', ['attributes."a b":']),
        ("attr.order_id:", ["attr.order_id:1", "attr.order_id:2"]),
        ("attributes.order_id:", ["attributes.order_id:1", "attributes.order_id:2"]),
        ("message:f", []),
        ("service:nix", []),
    ],
)
def test_what_is_typed_is_completed(lines: Lake, query: str, options: list[str]) -> None:
    """Fields by their beginning, values by what the newest rows have, the most rows first."""
    assert complete(lines, query) == options


def test_what_stands_in_the_middle_is_completed(lines: Lake) -> None:
    """The rest of the query stays as it is."""
    assert complete(lines, "host:we level:info", 6) == [
        "host:web-1 level:info",
        'host:"web 2" level:info',
    ]


@pytest.mark.parametrize(
    "text", [*EACH_NAUGHTY, '"', "(", "a:b:c", "attributes.", 'attributes."', "-"]
)
def test_any_text_can_be_completed(lines: Lake, text: str) -> None:
    """With an answer, whatever stands before the caret."""
    visitor = pages(lines)
    for place in range(len(text) + 2):
        answer = visitor.get("/api/explore/complete", params={"query": text, "at": place})
        assert answer.status_code == 200


def note(lake: Lake, query: str) -> str:
    """Why nothing may stand at the end of a query."""
    asked = {"query": query, "at": len(query)}
    told: str = pages(lake).get("/api/explore/complete", params=asked).json()["note"]
    return told


def test_that_no_attribute_is_there_is_said(lines: Lake, tmp_path: Path) -> None:
    """Of a lake of lines, of one without any, and of one of before there were attributes."""
    old = Lake.at(tmp_path / "old")
    rows = logged([at(1)]).drop_columns(["attributes"])
    write_deltalake(old.places.table(LOGS), rows, partition_by=["date", "hour"])
    assert [note(lines, query) for query in ("attr.o", "ser", "attributes.order_id:x")] == [""] * 3
    for lake, query in ((lines, "attr.x"), (Lake.at(tmp_path / "empty"), "attr."), (old, "attr.")):
        assert "no line of the newest has an attribute" in note(lake, query)


def test_a_lake_of_before_has_what_came_later_as_nothing(lake: Lake) -> None:
    """Columns that its table lacks are NULL: its rows are shown and asked for as ever."""
    rows = logged([at(1)], event_id=["old"])
    later = ("message", "severity_number", "host", "logger", "exception", "attributes", "_item")
    write_deltalake(
        lake.places.table(LOGS), rows.drop_columns([*later]), partition_by=["date", "hour"]
    )
    told = explore(lake, query="-message:* -attributes.k:x status:200")
    assert [row["event_id"] for row in told["part"]["rows"]] == ["old"]
    assert pages(lake).get("/explore?last=all&show=host").status_code == 200
