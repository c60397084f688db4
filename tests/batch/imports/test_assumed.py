"""What is assumed of files where nobody says it: a zone, a service, a time; and that it is said."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result
from support.importing import Imports, written
from support.lakes import Lake

from batch.commands.import_ import import_
from batch.formats.assumed import service_of
from batch.imports.reading import Overrides
from lakehouse.ingest.raw_zone import RawZone
from lakehouse.proof.verify import verify

CSV = ["time,status,url", "2026-05-01T12:00:00,200,/a", "2026-05-01T12:00:01,200,/b"]
NDJSON = ['{"ts": "2026-05-01 12:00:00", "msg": "a"}', '{"ts": "2026-05-01 12:00:01", "msg": "b"}']
APP = ["2026-05-01 12:00:00,000 INFO shop.cart: a", "2026-05-01 12:00:01,000 WARN shop.cart: b"]
SYSLOG = ["Dec 31 23:59:59 host cron[1]: old", "Jan  2 00:00:01 host cron[1]: new"]
DOCKER = ['{"log": "2026-05-01 12:00:00,1 INFO a: b\\n", "stream": "stdout", "time": "%s"}']


def run(lake: Lake, *words: str | Path) -> Result:
    """The command on a lake."""
    return CliRunner().invoke(
        import_, [*map(str, words), "--no-reconcile", "--lake", lake.places.lake]
    )


def told(lake: Lake, *words: str | Path) -> dict[str, Any]:
    """What a program is told of one file."""
    (row,) = json.loads(run(lake, *words, "--format", "json").stdout)
    return dict(row)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "lines"), [("a.csv", CSV), ("a.ndjson", NDJSON), ("a.log", APP), ("s.log", SYSLOG)]
)
def test_times_without_a_zone_are_of_utc_and_that_is_said(
    lake: Lake, tmp_path: Path, name: str, lines: list[str]
) -> None:
    """Once for a file; each row has its own time."""
    file = written(tmp_path / name, lines)
    found = run(lake, file)
    rows = Imports(lake).ask("SELECT time_from, hour(timestamp) FROM logs ORDER BY _offset")
    said = f"{file}: times have no zone: taken as UTC; --zone Europe/Berlin reads them otherwise"
    assert (found.exit_code, found.stderr.splitlines().count(said)) == (0, 1)
    assert rows == [("event", 12)] * 2 if lines is not SYSLOG else [("event", 23), ("event", 0)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "zone", "hour"),
    [
        ((), "UTC", 12),
        (("--utc",), "UTC", 12),
        (("--zone", "Europe/Berlin"), "Europe/Berlin", 10),
        (("--utc", "--zone", "Europe/Berlin"), "Europe/Berlin", 10),
    ],
)
def test_a_zone_that_is_said_counts(
    lake: Lake, tmp_path: Path, flags: tuple[str, ...], zone: str, hour: int
) -> None:
    """A program is told which was taken."""
    file = written(tmp_path / "a.csv", CSV)
    assert told(lake, file, *flags)["zone"] == zone
    assert Imports(lake).ask("SELECT DISTINCT hour(timestamp) FROM logs") == [(hour,)]


@pytest.mark.slow
def test_nothing_is_said_of_times_with_a_zone(lake: Lake, tmp_path: Path) -> None:
    """There is nothing to say; `--utc` and no word are the same import."""
    file = written(tmp_path / "a.csv", [CSV[0], "2026-05-01T12:00:00Z,200,/a"])
    assert told(lake, file)["zone"] == ""
    assert told(lake, file, "--utc")["done"] == "unchanged"


@pytest.mark.slow
def test_the_time_around_a_line_counts_where_that_within_has_no_zone(
    lake: Lake, tmp_path: Path
) -> None:
    """Docker's own has one; with a zone the inner one is the event's."""
    file = written(tmp_path / "d.log", [DOCKER[0] % f"2026-05-01T10:00:0{n}Z" for n in range(9)])
    assert told(lake, file)["zone"] == ""
    ask = "SELECT DISTINCT hour(timestamp), time_from FROM logs"
    assert Imports(lake).ask(ask) == [(10, "event")]
    run(lake, file, "--zone", "+01:00", "--replace")
    assert Imports(lake).ask(ask) == [(11, "event")]


@pytest.mark.slow
def test_a_year_is_that_of_the_file(lake: Lake, tmp_path: Path) -> None:
    """The last such day before it was written to, also over new year."""
    file = written(tmp_path / "s.log", SYSLOG)
    os.utime(file, (0, datetime(2019, 1, 2, 0, 0, 5, tzinfo=UTC).timestamp()))
    run(lake, file)
    rows = Imports(lake).ask("SELECT CAST(timestamp AS VARCHAR)[:10] FROM logs ORDER BY _offset")
    assert rows == [("2018-12-31",), ("2019-01-02",)]


@pytest.mark.slow
def test_rows_without_a_time_get_the_nearest_one(lake: Lake, tmp_path: Path) -> None:
    """The line's before; the first ones that of the next line that has one."""
    times = ["never", "", "2026-05-01T12:00:00Z", "", "2026-05-01T13:00:00Z", "x"]
    file = written(tmp_path / "a.csv", [CSV[0], *(f"{time},200,/a" for time in times)])
    run(lake, file, "--map", "time=timestamp")
    rows = Imports(lake).ask("SELECT time_from, hour(timestamp) FROM logs ORDER BY _offset")
    assert rows == [
        ("next", 12),
        ("next", 12),
        ("event", 12),
        ("previous", 12),
        ("event", 13),
        ("previous", 13),
    ]


@pytest.mark.slow
def test_a_file_without_times_has_its_own(lake: Lake, tmp_path: Path) -> None:
    """When it was last written to."""
    file = written(tmp_path / "notes.txt", ["Hello, world.", "Goodbye, world."])
    os.utime(file, (0, datetime(2019, 1, 2, tzinfo=UTC).timestamp()))
    run(lake, file)
    rows = Imports(lake).ask("SELECT DISTINCT time_from, date::VARCHAR, service FROM logs")
    assert rows == [("file", "2019-01-02", "notes")]


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("loghub_Spark.log.gz", "loghub_Spark"),
        ("app-2026-05-01.log.gz", "app"),
        ("app.log.2026-05-01", "app"),
        ("app.log.1", "app"),
        ("app.log.12.gz", "app"),
        ("app_20260501T1200Z.json", "app"),
        ("app-2026-05-01_12-30.ndjson", "app"),
        ("catalina.2026-05-01.out", "catalina"),
        ("u_ex260501.log", "u_ex"),
        ("com.example.shop.log", "com.example.shop"),
        ("shop", "shop"),
        ("shop.xyz", "shop"),
        ("log4j.log", "log4j"),
        ("shop/2026-05-01.log", "shop"),
        ("shop/date=2026-05-01/1.log", "log"),
        ("logs/2026-05-01.log", "log"),
        ("caf\udce9.log", "caf\ufffd"),
        ("a\x1b[2Jb\u202ec.log", "a[2Jbc"),
    ],
)
def test_the_service_of_a_file(path: str, service: str) -> None:
    """Its name without suffixes, dates and numbers at the end; else its folder's."""
    assert service_of(Path(path)) == service


@pytest.mark.slow
def test_a_service_by_the_name_of_a_file_is_said(lake: Lake, tmp_path: Path) -> None:
    """Once, to a person and to a program; what is said counts, and access logs are `web`."""
    file = written(tmp_path / "cart-2026-05-01.log", APP)
    found, again = run(lake, file), told(lake, file)
    said = f"{file}: service is cart, by the file's name; --set service=NAME says otherwise"
    assert found.stderr.splitlines().count(said) == 1
    assert (again["done"], again["service"]) == ("unchanged", "cart")
    ask = "SELECT DISTINCT service FROM logs"
    assert Imports(lake).ask(ask) == [("cart",)]
    assert told(lake, file, "--set", "service=shop", "--replace")["service"] == ""
    assert Imports(lake).ask(ask) == [("shop",)]


@pytest.mark.slow
def test_a_service_of_the_record_stays(lake: Lake, tmp_path: Path) -> None:
    """Only what names none is named by the file."""
    lines = ['{"ts": "2026-05-01T12:00:00Z", "service": "a"}', '{"ts": "2026-05-01T12:00:01Z"}']
    run(lake, written(tmp_path / "b.ndjson", lines))
    rows = Imports(lake).ask("SELECT service FROM logs ORDER BY _offset")
    assert rows == [("a",), ("b",)]
    assert verify(lake.places).ok


@pytest.mark.slow
def test_the_same_content_by_another_name_is_the_same(lake: Lake, tmp_path: Path) -> None:
    """Whatever a service that name would give."""
    run(lake, written(tmp_path / "cart.log", APP))
    assert told(lake, written(tmp_path / "shop.log", APP))["done"] == "same content"


@pytest.mark.parametrize(
    ("lines", "done"),
    [
        (APP, "refused"),
        ([CSV[0], "2026-05-01T12:00:00,200,/a"], "refused"),
        ([f"{CSV[0]},service", "2026-05-01T12:00:00Z,200,/a,shop"], "unchanged"),
    ],
)
def test_what_an_earlier_release_imported(
    lake: Lake, tmp_path: Path, lines: list[str], done: str
) -> None:
    """It assumed nothing: where that matters the file can be replaced, else it is in."""
    file, imports = written(tmp_path / "a.log", lines), Imports(lake)
    imports.run(file)
    zone = RawZone(lake.places)
    (what,) = zone.manifests().values()
    empty = dict.fromkeys(("zone", "default_service", "first_time", "first_time_from"), "")
    former = msgspec.structs.replace(what.reading, **empty)
    zone.note(msgspec.structs.replace(what, reading=former))
    assert imports.done(file) == [done]
    assert imports.done(file, overrides=Overrides(zone="UTC"), replace=True) == [
        "replaced" if done == "refused" else done
    ]
