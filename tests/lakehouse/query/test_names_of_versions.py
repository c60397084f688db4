"""A name of a version stands wherever a version or a time does."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result
from support.lakes import Lake, events
from support.windows import Pond, at, logged

import logpond
from lakehouse import store
from lakehouse.errors import TableError
from lakehouse.query.pinned import version_of
from lakehouse.store.tags.naming import name_version
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import ROLLUPS
from lakehouse.terminal.commands import program

COUNT = "SELECT COUNT(*) AS n FROM logs"


def run(lake: Lake, *words: str, part: str = "analytics") -> Result:
    """One command on a lake."""
    return CliRunner().invoke(program(part), [*words, "--lake", lake.places.lake])


@pytest.fixture
def named(lake: Lake) -> Lake:
    """A name for the second commit of `logs`; windows were closed before it, and after it."""
    pond = Pond(lake)
    pond.arrive(logged([at(0), at(31)]))
    pond.close_by_now(ROLLUPS.values())
    pond.arrive(logged([at(100)]))
    name_version(lake.places, "logs", "before-deploy", store.open_table(lake.places, LOGS))
    pond.close_by_now(ROLLUPS.values())
    return lake


def test_as_of_takes_it_in_each_command(named: Lake) -> None:
    """As --version does; so does the API."""
    for flag in ("--as-of", "--version"):
        found = run(named, "sql", COUNT, flag, "before-deploy", "--format", "json")
        assert json.loads(found.stdout) == [{"n": 3}], found.output
        found = run(named, "report", "services", flag, "before-deploy", "--format", "json")
        assert sum(row["requests"] for row in json.loads(found.stdout)) == 3, found.output
    opened = logpond.open(named.places.lake)
    assert opened.sql(COUNT, as_of="before-deploy").scalar() == 3
    assert opened.versions(as_of="before-deploy")["logs"] == 2


def test_a_table_without_it_is_taken_as_of_its_time(named: Lake) -> None:
    """In `diff` and in `analyze` too."""
    newest = store.open_table(named.places, "traffic").version()
    then = version_of(named.places, "traffic", "before-deploy")
    found = run(named, "diff", "traffic", "before-deploy", str(newest), "--format", "json")

    assert then < newest
    assert json.loads(found.stdout)["before"] == then, found.output
    assert logpond.open(named.places.lake).diff("traffic", "before-deploy", newest).before == then
    judged = run(named, "analyze", "--version", "before-deploy", part="anomaly")
    assert judged.exit_code == 0, judged.output


def test_a_word_that_is_neither_says_what_it_may_be(lake: Lake) -> None:
    """A name that there is, or a time; also where no table is read."""
    lake.put(events([0]))
    for statement in (COUNT, "SELECT 1"):
        with pytest.raises(TableError) as refused:
            logpond.open(lake.places.lake).sql(statement, as_of="soon")
        assert "no version of logs has the name soon" in str(refused.value)
        assert "is not a time: write one as" in str(refused.value)


def test_delete_needs_a_name(named: Lake) -> None:
    """Without one nothing is listed as if it had been done."""
    for words in (["tag", "logs", "--delete"], ["tag", "--delete"]):
        found = run(named, *words)
        assert (found.exit_code, "takes away one name" in found.output) == (2, True)
