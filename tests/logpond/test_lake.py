"""The public API: what docs/python.md shows, the same numbers as the command, errors in words."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from click.testing import CliRunner
from support.bucket import Bucket
from support.lakes import Lake, events
from support.sites import shop

import logpond
from cli.__main__ import logpond as cli
from lakehouse.paths import Places
from lakehouse.query.ask import Moment, ask
from lakehouse.store import open_table
from lakehouse.store.tags.naming import name_version
from lakehouse.store.tags.tags import Tags

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "python.md").read_text()
BY_SERVICE = "SELECT service, count(*) AS requests FROM logs GROUP BY service ORDER BY service"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two and a half hours with an incident."""
    return shop(tmp_path_factory.mktemp("python"))


@pytest.fixture
def opened(site: Lake) -> logpond.Lake:
    """The same, as a person opens it."""
    return logpond.open(site.places.lake)


@pytest.mark.slow
def test_the_page_runs_as_it_stands(site: Lake) -> None:
    """All blocks of docs/python.md, one after the other, in a process of their own."""
    script = "".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
    assert script.count('open("lake")') == 1
    ran = subprocess.run(
        [sys.executable, "-c", script.replace('"lake"', repr(site.places.lake))],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "requests" in ran.stdout


def test_every_method_is_on_the_page() -> None:
    """And no other one."""
    named = set(re.findall(r"^\| `(\w+)\(", PAGE, re.MULTILINE))
    public = {n for n, m in vars(logpond.Lake).items() if callable(m) and not n.startswith("_")}
    assert named == public


def test_an_answer_is_the_same_in_every_library(opened: logpond.Lake, site: Lake) -> None:
    """As the command has it, in Arrow, polars, pandas, and row by row."""
    found, asked = opened.sql(BY_SERVICE), ask(site.places, BY_SERVICE)
    assert found.arrow().equals(asked)
    assert found.columns == ["service", "requests"]
    assert len(found) == asked.num_rows > 1
    assert isinstance(found.arrow(), pa.Table)
    assert found.pl().equals(pl.DataFrame(list(found)))
    pd.testing.assert_frame_equal(found.df(), pd.DataFrame(list(found)))


def test_it_reads_the_past(opened: logpond.Lake, site: Lake) -> None:
    """By a version, by a time of Python with a zone or without, by text."""
    count = "SELECT count(*) FROM logs"
    first = ask(site.places, count, Moment(version=1)).column(0)[0].as_py()
    when = next(v.time for v in opened.history("logs") if v.version == 1)
    assert when is not None
    assert opened.sql(count).scalar() > first
    naive = when.astimezone(UTC).replace(tzinfo=None)
    for then in (when, naive, when.isoformat()):
        assert opened.sql(count, as_of=then).scalar() == first
    assert opened.sql(count, version=1).scalar() == first
    assert opened.sql(count, version=1).at == Moment(version=1)


def test_a_version_has_a_name(opened: logpond.Lake, site: Lake) -> None:
    """It stands where the number does."""
    name_version(site.places, "logs", "then", open_table(site.places, "logs", 1))
    count = "SELECT count(*) FROM logs"
    assert opened.sql(count, version="then").scalar() == opened.sql(count, version=1).scalar()
    assert opened.diff("logs", "then", 1).rows_added == 0
    assert Tags(site.places).delete("logs", "then")


def test_a_version_may_have_a_name(lake: Lake) -> None:
    """That of `logpond tag`, wherever a version is asked for; the answer says what it is of."""
    lake.put(events(range(3)))
    opened, count = logpond.open(lake.places.lake), "SELECT count(*) FROM logs"
    CliRunner().invoke(cli, ["tag", "logs", "before", "--lake", lake.places.lake])
    lake.put(events(range(3, 5)))
    assert [(tag.name, tag.version) for tag in opened.tags("logs")] == [("before", 1)]
    then = opened.sql(count, version="before")
    assert (then.scalar(), opened.sql(count).scalar()) == (3, 5)
    assert "version 1" in " ".join(then.read_from)
    assert opened.sql(count).read_from == []


def test_search_is_the_language_of_explore(opened: logpond.Lake) -> None:
    """The newest rows that fit; `where` narrows `logs` of a statement to the same rows."""
    found = opened.search("status:5xx", limit=5)
    times = [row["timestamp"] for row in found]
    assert times == sorted(times, reverse=True)
    assert {row["status_code"] // 100 for row in found} == {5}
    every = opened.sql("SELECT count(*) FROM logs", where="status:5xx").scalar()
    assert every == opened.sql("SELECT count(*) FROM logs WHERE status_code >= 500").scalar()
    assert len(opened.search(limit=3)) == 3


def test_tables_history_difference_incidents_and_reports(opened: logpond.Lake) -> None:
    """Each is what the command of this name shows."""
    tables = {table.name: table for table in opened.tables()}
    assert tables["logs"].rows == opened.sql("SELECT count(*) FROM logs").scalar()
    versions = [version.version for version in opened.history("logs", 2)]
    assert versions == [tables["logs"].version, (tables["logs"].version or 0) - 1]
    change = opened.diff("logs", versions[1], versions[0])
    assert change.rows_after == tables["logs"].rows
    incidents = opened.incidents()
    assert len(incidents) >= 1
    assert incidents.df()["opened"].is_monotonic_decreasing
    assert opened.report("services", limit=1).columns[0] == "service"


def test_it_shows_itself(opened: logpond.Lake, site: Lake) -> None:
    """As a table with its rows counted; in a notebook as HTML, in which texts are texts."""
    shown = repr(opened.sql("SELECT '<b>\x1b[31m' AS odd, * FROM range(99)"))
    assert "99 rows" in shown
    assert "\x1b" not in shown
    assert "<b>" not in opened.sql("SELECT '<b>' AS odd")._repr_html_()
    assert repr(opened) == f"logpond.open({site.places.lake!r})"


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        (lambda lake: lake.sql("DROP TABLE logs"), logpond.SettingsError, "only reads"),
        (lambda lake: lake.sql("SELECT 1 FROM nothing"), logpond.TableError, "there are: logs"),
        (lambda lake: lake.sql("SELECT 1 FROM logs", version=99), logpond.TableError, "version 99"),
        (lambda lake: lake.sql("SELECT 1", version=1, as_of="-1h"), logpond.SettingsError, "both"),
        (lambda lake: lake.sql("SELECT 1", as_of="soon"), logpond.SettingsError, "is not a time"),
        (lambda lake: lake.search("status:"), logpond.LogpondError, "status"),
        (lambda lake: lake.search(limit=-1), logpond.SettingsError, "limit -1"),
        (lambda lake: lake.report("none"), logpond.SettingsError, "there are:"),
        (lambda lake: lake.history("none"), logpond.TableError, "there is no table"),
        (lambda lake: lake.sql("SELECT 1, 2").scalar(), ValueError, "1 rows of 2 columns"),
    ],
)
def test_errors_say_what_to_do(
    opened: logpond.Lake, asked: object, error: type[Exception], words: str
) -> None:
    """Each by a class of its kind."""
    assert callable(asked)
    with pytest.raises(error, match=re.escape(words)):
        asked(opened)


def test_nothing_of_the_process_is_changed(site: Lake) -> None:
    """A notebook's umask stays, and its pandas can be imported; no JVM is asked for."""
    code = (
        "import os, sys; before = os.umask(0o022); os.umask(0o022); import logpond; "
        f"lake = logpond.open({site.places.lake!r}); lake.sql('SELECT 1').df(); "
        "import pandas; assert os.umask(0o022) == 0o022; assert 'pyspark' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.slow
def test_a_bucket_is_read_alike(bucket: Bucket) -> None:
    """By its URL; the keys are in the environment."""
    lake = Lake(Places(bucket.url, f"{bucket.url}/_checkpoints"))
    lake.put(events(range(3)))
    lake.put(events(range(3, 5)))
    opened = logpond.open(bucket.url)
    assert opened.sql("SELECT count(*) FROM logs").scalar() == 5
    assert opened.sql("SELECT count(*) FROM logs", version=1).scalar() == 3
    newest = opened.sql("SELECT max(timestamp) FROM logs")
    assert newest.scalar() < datetime.now(UTC)
    assert (newest.rows_read, newest.bytes_read) == (5, None)
