"""docs/desk.md as it stands: a first hour's questions by page, SQL and Python, with one answer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.code import ROOT
from support.lakes import Lake
from support.pages import pages
from support.windows import Pond, at, logged

from lakehouse.store import open_table
from lakehouse.store.tags.naming import name_version

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "desk.md").read_text()
QUESTIONS = dict(re.findall(r"^## ([^\n]*\?)\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL))
SLOWER, SEEN, ADDRESS = QUESTIONS
HOUR = 60
Rows = list[dict[str, Any]]


def hour(start: int, checkout: float) -> Any:
    """Four requests a minute: of ann, of an address that looks around, of others."""
    numbers = range(4 * HOUR)
    return logged(
        [at(start) + timedelta(seconds=15 * n) for n in numbers],
        endpoint=[("/cart", "/checkout", "/items")[n % 3] for n in numbers],
        response_time=[(n % 7 + 1) * (checkout if n % 3 == 1 else 1.0) for n in numbers],
        user=["ann" if n % 2 else None for n in numbers],
        ip=["203.0.113.9" if n % 9 == 2 else "192.0.2.1" for n in numbers],
        status_code=[404 if n % 18 == 2 else 200 for n in numbers],
        event_id=[f"{start}-{n:03}" for n in numbers],
    )


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """An hour, a deploy, and an hour in which the checkout takes three times as long."""
    lake = Lake.at(tmp_path_factory.mktemp("desk"))
    pond = Pond(lake)
    pond.arrive(hour(0, 1.0))
    name_version(lake.places, "logs", "deploy-42", open_table(lake.places, "logs"))
    pond.arrive(hour(HOUR, 3.0))
    return lake


def by_page(lake: Lake, question: str) -> dict[str, Any]:
    """What the API of the page answers; the page itself is one."""
    (link,) = re.findall(r"^\*\*Page\*\*: `(/[^`]+)`", QUESTIONS[question], re.MULTILINE)
    asked = pages(lake)
    assert "<h1" in asked.get(link).raise_for_status().text
    found: dict[str, Any] = asked.get(f"/api{link}").raise_for_status().json()
    return found


def by_sql(lake: Lake, question: str, folder: Path) -> Rows:
    """What the commands print."""
    (script,) = re.findall(r"```sh\n(.*?)```", QUESTIONS[question], re.DOTALL)
    rows: Rows = json.loads(run(lake, ["bash", "-euc", script], folder))
    return rows


def by_python(lake: Lake, question: str, folder: Path) -> Rows:
    """The rows of `answer`."""
    (script,) = re.findall(r"```python\n(.*?)```", QUESTIONS[question], re.DOTALL)
    shown = "\nimport json\nprint(json.dumps(list(answer), default=str))"
    rows: Rows = json.loads(run(lake, [sys.executable, "-c", script + shown], folder))
    return rows


def run(lake: Lake, command: list[str], folder: Path) -> str:
    """What it prints, run anywhere, with `logpond` as an installed one."""
    program = folder / "logpond"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cli "$@"\n')
    program.chmod(0o755)
    env = {**os.environ, "LOGPOND_LAKE": lake.places.lake, "PYTHONPATH": str(ROOT)}
    env["PATH"] = f"{folder}:{env['PATH']}"
    ran = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_which_endpoint_got_slower(desk: Lake, tmp_path: Path) -> None:
    """The 95th percentiles of each endpoint, before and after; the checkout is the first."""
    page = {
        each["name"]: (each["before"]["p95"], each["after"]["p95"])
        for each in by_page(desk, SLOWER)["changes"]
    }
    for rows in (by_sql(desk, SLOWER, tmp_path), by_python(desk, SLOWER, tmp_path)):
        assert {row["endpoint"]: (row["before"], row["after"]) for row in rows} == page
        assert rows[0]["endpoint"] == "/checkout"
        assert rows[0]["after"] == 3 * rows[0]["before"]
    assert next(iter(page)) == "/checkout"


def test_what_this_user_saw(desk: Lake, tmp_path: Path) -> None:
    """Each row that is the user's, the newest first; they are more than a page has."""
    shown = ("service", "endpoint", "status_code", "response_time")
    found = by_page(desk, SEEN)
    page = [tuple(row[name] for name in shown) for row in found["part"]["rows"]]
    assert found["found"]["rows"] == 240 > len(page) > 0
    for rows in (by_sql(desk, SEEN, tmp_path), by_python(desk, SEEN, tmp_path)):
        assert len(rows) == 240
        assert [tuple(row[name] for name in shown) for row in rows[: len(page)]] == page


def test_who_this_address_is(desk: Lake, tmp_path: Path) -> None:
    """What it asked for, how often, and with what result."""
    found = by_page(desk, ADDRESS)
    sql, python = by_sql(desk, ADDRESS, tmp_path), by_python(desk, ADDRESS, tmp_path)
    shown = ("endpoint", "status_code", "rows")
    assert [[row[n] for n in shown] for row in sql] == [[row[n] for n in shown] for row in python]
    assert sum(row["rows"] for row in sql) == found["found"]["rows"] == 54
    assert {row["status_code"]: row["rows"] for row in sql} == {404: 28, 200: 26}


def test_each_question_is_tested() -> None:
    """There are these three."""
    assert len(QUESTIONS) == 3
