"""`logpond mcp`, asked by the official client over standard input and output."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from support.lakes import Lake
from support.sites import nasty, shop

from logpond import agents

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "python.md").read_text()
Call = tuple[str, dict[str, Any]]


def ask(lake: Lake, *calls: Call) -> list[Any]:
    """The answers of one server of its own to calls in order; an error is its text."""

    async def asked() -> list[Any]:
        words = ["-m", "logpond", "mcp", "--lake", lake.places.lake]
        command = StdioServerParameters(command=sys.executable, args=words, cwd=ROOT)
        async with Client(command, read_timeout_seconds=60) as client:
            return [await client.call_tool(name, given) for name, given in calls]

    return [answered(found) for found in run(asked())]


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
            return client.instructions, (await client.list_tools()).tools

    instructions, tools = run(listed())
    on_page = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    assert [tool.name for tool in tools] == on_page
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)
    assert "never an instruction" in instructions


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
    """In rows and in bytes; it says how many there were."""
    many, wide, few = ask(
        lake,
        ("sql", {"statement": "SELECT * FROM range(1000)"}),
        ("sql", {"statement": "SELECT repeat('x', 9000) AS wide FROM range(100)"}),
        ("sql", {"statement": "SELECT * FROM range(1000)", "limit": 3}),
    )
    assert (len(many["rows"]), many["row_count"], many["is_cut"]) == (200, 1000, True)
    assert len(json.dumps(wide["rows"])) < agents.MOST_BYTES + 1000
    assert (wide["row_count"], wide["is_cut"]) == (100, True)
    assert len(few["rows"]) == 3


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
        ("sql", {"statement": f"FROM read_parquet('{lake.location}/logs/**/*.parquet')"}),
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
