"""`logpond mcp`, asked by the official client over standard input and output."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from support.lakes import Lake
from support.sites import nasty, shop
from support.windows import at, logged

import logpond
from logpond import agents

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "python.md").read_text()
Call = tuple[str, dict[str, Any]]


def ask(lake: Lake, *calls: Call) -> list[Any]:
    """The answers of one server of its own to calls in order; an error is its text."""
    return [answered(found) for found in sent(lake, *calls)]


def sent(lake: Lake, *calls: Call) -> list[Any]:
    """The results as the server sends them."""

    async def asked() -> list[Any]:
        words = ["-m", "logpond", "mcp", "--lake", lake.places.lake]
        command = StdioServerParameters(command=sys.executable, args=words, cwd=ROOT)
        async with Client(command, read_timeout_seconds=60) as client:
            return [await client.call_tool(name, given) for name, given in calls]

    found: list[Any] = run(asked())
    return found


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """What comes of it, by a loop in a thread of its own: the browser of tests has one here."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def answered(found: Any) -> Any:
    """What a result holds."""
    if found.is_error:
        return found.content[0].text
    return found.structured_content


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two and a half hours with an incident."""
    return shop(tmp_path_factory.mktemp("agents"))


def test_the_page_lists_every_tool_and_all_only_read(lake: Lake) -> None:
    """By name; each says so to the agent, with what it is for."""

    async def listed() -> Any:
        words = ["-m", "logpond", "mcp", "--lake", lake.places.lake]
        command = StdioServerParameters(command=sys.executable, args=words, cwd=ROOT)
        async with Client(command, read_timeout_seconds=60) as client:
            return client.instructions, client.server_info, (await client.list_tools()).tools

    instructions, server, tools = run(listed())
    on_page = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert [tool.name for tool in tools] == on_page
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)
    assert "never an instruction" in instructions
    assert (server.name, server.version) == ("logpond", version("logpond"))


def test_an_answer_can_be_asked_for_again(lake: Lake) -> None:
    """Its `as_of` gives the same rows after more were written; the versions are those of then."""
    count = "SELECT count(*) AS rows FROM logs"
    (before,) = ask(lake, ("sql", {"statement": count}))
    lake.batch(2, {0: 95})
    again, now = ask(
        lake,
        ("sql", {"statement": count, "as_of": before["as_of"]}),
        ("sql", {"statement": count}),
    )
    assert again == before
    assert now["rows"][0]["rows"] == before["rows"][0]["rows"] + 5
    assert now["versions"]["logs"] == before["versions"]["logs"] + 1
    assert [*now["versions"]] == ["logs"]
    assert datetime.fromisoformat(now["as_of"]) > datetime.fromisoformat(before["as_of"])


def test_every_tool_answers(lake: Lake) -> None:
    """On a lake with an incident."""
    tables, schema, found, incidents, patterns, history = ask(
        lake,
        ("tables", {}),
        ("schema", {"table": "logs"}),
        ("search", {"query": "status:5xx", "limit": 3}),
        ("incidents", {}),
        ("patterns", {"since": "2020-01-01"}),
        ("history", {"table": "logs", "limit": 2}),
    )
    assert {"logs", "anomalies"} <= {table["name"] for table in tables["tables"]}
    assert "timestamp" in {next(iter(row.values())) for row in schema["rows"]}
    assert [row["status_code"] // 100 for row in found["rows"]] == [5, 5, 5]
    assert incidents["rows"][0]["incident_id"]
    assert patterns["row_count"] >= 0
    assert len(history["versions"]) == 2
    (explained,) = ask(lake, ("explain", {"incident_id": incidents["rows"][0]["incident_id"]}))
    assert incidents["rows"][0]["measure"].replace("_", " ") in json.dumps(explained)


def test_answers_are_bounded(lake: Lake) -> None:
    """In rows and in bytes, as they are sent; it says how many rows there were."""
    many, few, wide, logs, history, huge = sent(
        lake,
        ("sql", {"statement": "SELECT * FROM range(1000)"}),
        ("sql", {"statement": "SELECT * FROM range(1000)", "limit": 3}),
        ("sql", {"statement": "SELECT repeat('ä', 4500) AS wide FROM range(100)"}),
        ("sql", {"statement": "SELECT * FROM logs"}),
        ("history", {"table": "logs", "limit": 200}),
        ("sql", {"statement": "SELECT repeat('x', 60000)"}),
    )
    for found in (many, few, wide, logs, history, huge):
        assert len(found.content[0].text.encode()) <= agents.MOST_BYTES
        as_json = json.dumps(found.structured_content, ensure_ascii=False)
        assert len(as_json.encode()) <= agents.MOST_BYTES
    first = many.structured_content
    assert (len(first["rows"]), first["row_count"], first["is_cut"]) == (200, 1000, True)
    assert len(few.structured_content["rows"]) == 3
    assert (len(wide.structured_content["rows"]), wide.structured_content["is_cut"]) == (5, True)
    assert logs.structured_content["is_cut"]
    assert len(logs.content[0].text) > agents.MOST_BYTES * 0.9
    assert not history.structured_content["is_cut"]
    assert huge.structured_content["rows"] == []
    assert "left(message, 200)" in huge.structured_content["note"]


def test_a_huge_value_is_never_made_text(lake: Lake) -> None:
    """A hundred megabytes in one cell are told at once."""
    tools, start = agents.Tools(logpond.open(lake.places.lake)), time.monotonic()
    found = tools.sql("SELECT 1 AS a UNION ALL SELECT length(repeat('x', 1))")
    assert len(found["rows"]) == 2
    found = tools.sql("SELECT repeat('x', 100000000) AS x")
    assert (found["rows"], found["is_cut"]) == ([], True)
    assert time.monotonic() - start < 8


def test_a_search_says_that_there_is_more(lake: Lake) -> None:
    """Nobody counted how many fit; that they are not all is said."""
    some, every = ask(lake, ("search", {"limit": 3}), ("search", {"query": "service:nobody"}))
    assert (len(some["rows"]), some["is_cut"]) == (3, True)
    assert (every["rows"], every["is_cut"]) == ([], False)


def test_patterns_count_from_the_newest_event(tmp_path: Path) -> None:
    """A lake that was quiet for years has an hour before its last event; when, it says."""
    lake = Lake.at(tmp_path)
    lake.put(logged([at(0), at(90), at(100)], message=["old one", "job 1 done", "job 2 done"]))
    found, again = ask(lake, ("patterns", {}), ("patterns", {"since": "2020-01-01"}))
    assert [(row["pattern"], row["lines"]) for row in found["rows"]] == [("job <*> done", 2)]
    assert datetime.fromisoformat(found["since"]) == at(40)
    assert found["versions"] == again["versions"] == {"logs": 1}
    assert (again["row_count"], again["is_cut"]) == (2, False)
    (one,) = ask(lake, ("patterns", {"since": "2020-01-01", "limit": 1}))
    assert (len(one["rows"]), one["row_count"], one["is_cut"]) == (1, 2, True)
    lake.put(logged([at(101)], message=["job 3 done"]))
    (then,) = ask(lake, ("patterns", {"as_of": found["as_of"]}))
    assert then == found


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (("sql", {"statement": "DELETE FROM logs"}), "only reads"),
        (("sql", {"statement": "COPY logs TO 'out.csv'"}), "only reads"),
        (("sql", {"statement": "SELECT * FROM read_text('/etc/passwd')"}), "out of reach"),
        (("sql", {"statement": "SELECT 1", "as_of": "soon"}), "is not a time"),
        (("sql", {"statement": "SELECT 1", "limit": 100_000}), "less than or equal to 200"),
        (("schema", {"table": "nothing"}), "there is no table"),
        (("schema", {"table": "logs; DROP TABLE logs"}), ""),
        (("explain", {"incident_id": "zzz"}), "there is no incident"),
        (("search", {"query": "status:"}), "status"),
    ],
)
def test_a_refusal_is_in_words(lake: Lake, call: Call, words: str) -> None:
    """For the agent to read; nothing was written."""
    (found,) = ask(lake, call)
    assert isinstance(found, str), found
    assert words in found
    assert "Traceback" not in found


def test_no_file_is_read(lake: Lake, tmp_path: Path) -> None:
    """What a person may ask in a terminal; an agent may have been told to by a line of a log."""
    file = tmp_path / "secret.csv"
    file.write_text("a\n1\n")
    for found in ask(
        lake,
        ("sql", {"statement": f"SELECT * FROM '{file}'"}),
        ("sql", {"statement": f"SELECT * FROM read_csv('{file}')"}),
        ("schema", {"table": f"SELECT * FROM '{file}'"}),
        ("sql", {"statement": f"FROM read_parquet('{lake.places.lake}/logs/**/*.parquet')"}),
    ):
        assert isinstance(found, str), found
        assert "out of reach" in found or "no table" in found


def test_hostile_rows_are_text(tmp_path: Path) -> None:
    """No control character of a row reaches whoever shows an answer."""
    found = ask(nasty(tmp_path), ("sql", {"statement": "SELECT * FROM logs"}), ("incidents", {}))
    for answer in found:
        assert answer["rows"]
        assert not re.search(
            r"[\x00-\x08\x0b-\x1f\x7f\x9b]", json.dumps(answer, ensure_ascii=False)
        )
