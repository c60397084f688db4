"""The public API: what docs/python.md shows, the same numbers as the command, errors in words."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from click.testing import CliRunner
from support.bucket import Bucket
from support.lakes import Lake, events
from support.pages import pages
from support.sites import shop
from support.windows import at, logged

import logpond
from cli.__main__ import logpond as cli
from lakehouse.paths import Places
from lakehouse.query.ask import Moment, ask
from lakehouse.store import open_table
from lakehouse.store.tags.naming import name_version
from lakehouse.store.tags.tags import Tags
from logpond.arguments import TAKES, Time

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


def test_search_gives_rows_of_one_time_as_the_page_does(lake: Lake) -> None:
    """The last that came in first: a limit cuts them alike."""
    lake.put(logged([at(0)] * 9, event_id=[*"fbdaecihg"]))
    found = [row["event_id"] for row in logpond.open(lake.places.lake).search(limit=4)]
    page = pages(lake).get("/api/explore", params={"last": "all"}).raise_for_status().json()
    assert found == [row["event_id"] for row in page["part"]["rows"]][:4]


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
        (lambda lake: lake.sql("SELECT 1", as_of="soon"), logpond.TableError, "is not a time"),
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


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("sql", {"statement": None}),
    ("sql", {"statement": "SELECT 1", "where": 5}),
    ("sql", {"statement": "SELECT 1", "as_of": 5}),
    ("sql", {"statement": "SELECT 1", "version": 1.5}),
    ("sql", {"statement": "SELECT 1", "version": True}),
    ("sql", {"statement": "SELECT '\ud800'"}),
    ("explain", {"incident_id": "\ud800"}),
    ("search", {"limit": None}),
    ("search", {"limit": 2.5}),
    ("search", {"limit": 1 << 63}),
    ("report", {"name": "services", "limit": -1}),
    ("report", {"name": ["services"]}),
    ("report", {"name": "services", "since": 3}),
    ("report", {"name": "services", "since": timedelta.max}),
    ("report", {"name": "services", "since": "soon"}),
    ("versions", {"as_of": 5}),
    ("history", {"table": None}),
    ("history", {"table": "logs", "limit": -1}),
    ("tags", {"table": 1}),
    ("diff", {"table": "logs", "after": 1, "before": None}),
    ("explain", {"incident_id": 7}),
    ("incidents", {"as_of": b"-1h"}),
]


@pytest.mark.parametrize(("method", "given"), WRONG)
def test_a_wrong_argument_is_told_in_words(
    opened: logpond.Lake, method: str, given: dict[str, Any]
) -> None:
    """It names the argument, and what to give."""
    with pytest.raises(logpond.LogpondError, match=next(reversed(given))) as error:
        getattr(opened, method)(**given)
    assert "Error:" not in str(error.value)


def test_every_argument_is_checked() -> None:
    """In one place, by its name."""
    public = [m for n, m in vars(logpond.Lake).items() if callable(m) and not n.startswith("_")]
    for method in (*public, logpond.open):
        names = {*inspect.signature(method).parameters} - {"self"}
        assert hasattr(method, "__wrapped__"), method
        assert names <= {*TAKES}, method
    with pytest.raises(logpond.SettingsError, match="lake is of type int"):
        logpond.open(5)  # type: ignore[arg-type]


def test_times_are_of_any_kind(opened: logpond.Lake) -> None:
    """Text, a date, a time, a length of time: as on the command line."""
    newest = opened.sql("SELECT max(timestamp) FROM logs").scalar()
    assert isinstance(newest, datetime)
    ago = datetime.now(UTC) - newest + timedelta(hours=1)
    minutes = f"{int(ago.total_seconds() // 60)}m"
    naive = (newest - timedelta(hours=1)).astimezone(UTC).replace(tzinfo=None)
    every = sum(row["requests"] for row in opened.report("services"))
    some: list[Time] = [minutes, ago, naive, naive.replace(tzinfo=UTC)]
    for since in some:
        assert 0 < sum(r["requests"] for r in opened.report("services", since=since)) < every
    old: list[Time] = ["2020-01-01", date(2020, 1, 1), timedelta(days=36_000), None]
    for since in old:
        assert sum(r["requests"] for r in opened.report("services", since=since)) == every
    long_ago: list[Time] = [date(2020, 1, 1), timedelta(days=3650), -timedelta(days=3650)]
    for as_of in long_ago:
        assert opened.versions(as_of=as_of) == {}


def test_a_lake_is_a_path(site: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of pathlib, or text; `~` is the home of whoever asks, and no file is blamed for a fault."""
    folder = Path(site.places.lake)
    monkeypatch.setenv("HOME", str(folder.parent))
    for lake in (folder, str(folder), Path("~") / folder.name, f"~/{folder.name}"):
        assert logpond.open(lake).location == str(folder)
    with pytest.raises(logpond.SettingsError) as error:
        logpond.open("")
    assert "lake: String should have at least 1 character" in str(error.value)


def test_columns_of_one_name_are_told_apart(opened: logpond.Lake) -> None:
    """As `logpond sql` does; what the answer was read from stays with it."""
    found = opened.sql("SELECT 1 AS a, 2 AS a, service AS a_2 FROM logs LIMIT 1")
    (row,) = found
    assert found.columns == [*row] == found.pl().columns == [*found.df().columns]
    assert found.columns == ["a", "a_2", "a_2_2"]
    assert [row["a"], row["a_2"]] == [1, 2]
    assert found.rows_read
    far = opened.sql("SELECT DATE '2020-01-01' AS a, DATE '12020-01-01' AS a")
    assert [*far] == [{"a": date(2020, 1, 1), "a_2": "12020-01-01"}]


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
