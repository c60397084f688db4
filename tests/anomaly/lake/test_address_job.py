"""Addresses of a lake: counted from `logs` by closed minutes, folded, and written down."""

from __future__ import annotations

import csv
import gzip
from datetime import timedelta
from functools import partial
from itertools import cycle
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pytest
from support.access_lines import parse
from support.lakes import Lake
from support.windows import at, logged

from anomaly.addresses.minute import AddressMinute, AddressMinutes, mark
from anomaly.commands.series import constants
from anomaly.engine.config import Addresses as Limits
from anomaly.engine.config import Config
from anomaly.engine.engine import State
from anomaly.engine.incident import Incident
from anomaly.lake.counted import counted, spans
from anomaly.lake.detection import Detection, prepare_tables
from anomaly.lake.fold import analyse
from anomaly.lake.incidents import incidents
from anomaly.lake.job import Detect
from anomaly.lake.rows.addresses import minutes_of
from anomaly.lake.snapshots import Snapshots
from lakehouse import settings, store
from lakehouse.event.message import dump
from lakehouse.paths import Places
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.close import close

pytestmark = pytest.mark.slow

CONFIG = constants(None)
BAD = "203.0.113.9"
CROWD = 20


@pytest.fixture
def site(lake: Lake) -> Lake:
    """An hour and a half of a quiet site; from minute 65 to 72 one address looks for holes."""
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    parts = []
    for minute in range(90):
        parts.append(rows(minute, [f"10.0.0.{n}" for n in range(CROWD)], "/items/{id}", 200))
        if 65 <= minute < 72:
            paths = [f"/{word}{minute}" for word in ("admin", "old", "git", "env", "cgi", "db")]
            parts.append(rows(minute, BAD, "/{unmatched}", 404, path=paths))
    lake.put(pa.concat_tables(parts))
    return lake


def rows(minute: float, ip: Any, endpoint: str, status: int, batch: int = 0, **more: Any) -> Any:
    """Rows of `logs` of one minute, one for each address or path."""
    given = [value for value in (ip, *more.values()) if isinstance(value, list)]
    count = len(given[0]) if given else 1
    times = [at(minute) + timedelta(seconds=50 * n / count) for n in range(count)]
    own = {"path": None, "_commit": f"ingest:{batch}", **more}
    return logged(times, ip=ip, endpoint=endpoint, status_code=status, **own)


def close_up_to(lake: Lake, minute: int) -> None:
    """Close the minutes before this one."""
    for _ in close(lake.places, MINUTES, at(minute)):
        pass


def written(lake: Lake) -> list[Incident]:
    """The incidents of addresses that the table holds, in order of opening."""
    found = incidents(lake.places)
    return sorted((r for r in found if r.measure == "address"), key=lambda one: one.opened)


def again(lake: Lake, config: Config = CONFIG) -> list[Incident]:
    """What an analysis of all minutes says of addresses."""
    found = analyse(lake.places, store.open_table(lake.places, MINUTES.name), config)
    return [one for one in found if one.measure == "address"]


def minutes(lake: Lake, config: Config = CONFIG) -> list[AddressMinutes]:
    """Every closed minute of addresses."""
    closed = store.open_table(lake.places, MINUTES.name)
    with counted(lake.places, closed) as given:
        found = spans(closed, None, 10_000)
        return [one for span in found for one in minutes_of(given, span, config.addresses)]


def test_an_address_that_scans_is_written_down(site: Lake) -> None:
    """Which one, by which rule, from when until when."""
    close_up_to(site, 90)
    Detection(site.places, CONFIG).addresses()

    (one,) = written(site)
    assert (one.scope, one.ip, one.direction, one.status) == ("address", BAD, "scanning", "closed")
    assert at(66) <= one.opened <= at(68)
    assert "paths that fail" in one.sentence


@pytest.mark.slow
def test_a_scan_of_very_many_paths_is_seen_in_its_width(site: Lake) -> None:
    """Hundreds of different queries on twelve paths in a minute: the first of them are alike."""
    paths = [f"/{letter * 4}.php?{n}" for letter in "abcdefghijkl" for n in range(60)]
    site.put(rows(80, "203.0.113.7", "/{unmatched}", 404, batch=1, path=paths))
    close_up_to(site, 82)
    Detection(site.places, CONFIG).addresses()

    (one,) = (o for o in written(site) if (o.ip, o.direction) == ("203.0.113.7", "scanning"))
    assert "12 paths that fail" in one.sentence


@pytest.mark.slow
def test_a_restart_at_any_minute_repeats_and_loses_nothing(site: Lake) -> None:
    """A new process each time, some of them in the middle of the attack."""
    for minute in (30, 66, 67, 69, 70, 80, 90):
        close_up_to(site, minute)
        Detection(site.places, CONFIG).addresses()

    assert written(site) == again(site) != []
    assert Detection(site.places, CONFIG).addresses() == []


@pytest.mark.slow
def test_a_kept_state_is_of_what_is_written(site: Lake) -> None:
    """A crash between the fold and the table: the next start folds the same once more."""
    close_up_to(site, 90)
    crashed = Detection(site.places, CONFIG, on_changes=lambda _changes: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        crashed.addresses()

    assert written(site) == []
    Detection(site.places, CONFIG).addresses()
    assert written(site) == again(site) != []


@pytest.mark.slow
def test_a_start_goes_on_from_the_kept_state(site: Lake) -> None:
    """It does not fold the rows of before: here they are gone."""
    close_up_to(site, 70)
    Detection(site.places, CONFIG).addresses()
    store.open_table(site.places, "logs").delete(f"timestamp < '{at(60).isoformat()}'")
    close_up_to(site, 90)

    assert Detection(site.places, CONFIG).addresses()
    assert [one.status for one in written(site)] == ["closed"]


@pytest.mark.slow
def test_late_rows_are_not_scored(site: Lake) -> None:
    """Rows that came once their minute was closed: whenever the minutes are folded."""
    close_up_to(site, 50)
    for minute in range(30, 40):
        paths = [f"/late{minute}-{n}" for n in range(20)]
        site.put(rows(minute, "198.51.100.7", "/{unmatched}", 404, batch=1, path=paths))
    close_up_to(site, 90)

    assert {one.ip for one in again(site)} == {BAD}
    assert all(len(minute.marks) <= CROWD + 1 for minute in minutes(site))


def test_minutes_say_what_each_address_did(lake: Lake) -> None:
    """Static files apart; logins refused and accepted; a form that is shown is no try."""
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    login = partial(rows, 1, BAD, "/api/login", user="ada")
    tries = [login(401, method="POST"), login(302, method="POST"), login(200, method="GET")]
    image = rows(1, BAD, "/static/{file}.CSS", 200)
    holes = rows(1, BAD, "/{unmatched}", 404, path=["/x?a=<script>", "/items/1", "/items/2"])
    lake.put(pa.concat_tables([*tries, image, holes]))
    close_up_to(lake, 2)

    (found,) = minutes(lake)
    names = {path: mark(path) for path in ("/api/login", "/items/{id}", "/x?a=<script>")}
    assert found.each == [
        AddressMinute(
            found.at,
            BAD,
            7,
            dynamic=6,
            failed=4,
            writes=2,
            refused=1,
            accepted=1,
            users=("ada",),
            hostile=1,
            failing=tuple(sorted(names.values())),
            strange=(names["/x?a=<script>"],),
            alone=tuple(sorted(names.values())),
        )
    ]


def test_counted_minutes_are_those_of_single_addresses(site: Lake) -> None:
    """The crowd and the marks are as if each address had been told."""
    close_up_to(site, 90)
    told = minutes(site)[65]
    each = [AddressMinute(told.at, f"10.0.0.{n}", 1, 1) for n in range(CROWD)]
    plain = AddressMinutes.of(told.at, [AddressMinute(told.at, BAD, 6, 6, failed=6), *each])

    assert (told.crowd, sorted(told.marks)) == (plain.crowd, sorted(plain.marks))
    assert [one.ip for one in told.each] == [BAD]


def test_only_the_heaviest_come_and_the_others_are_counted(site: Lake) -> None:
    """However many addresses a minute has."""
    few = Config(addresses=Limits(most=3, known_requests=1.0))
    close_up_to(site, 90)
    told = minutes(site, few)[65]

    assert (len(told.each), told.dropped, len(told.marks)) == (3, CROWD + 1 - 3, CROWD + 1)
    assert BAD in {one.ip for one in told.each}


@pytest.mark.slow
def test_addresses_to_ignore_are_no_part_of_a_minute(site: Lake) -> None:
    """Neither judged nor among the crowd."""
    exempt = Config(addresses=Limits(ignore=("203.0.113.0/24",), trusted_proxies=("10.0.0.0/30",)))
    close_up_to(site, 90)

    assert {len(minute.marks) for minute in minutes(site, exempt)} == {CROWD - 4}
    assert again(site, exempt) == []


def test_names_out_of_logs_are_inert(lake: Lake) -> None:
    """No control character of an address or a user comes into an incident."""
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    lake.put(rows(1, "\x1b[2J1.1.1.1\n" * 99, "/login", 401, user="ro\x07ot", method="POST"))
    close_up_to(lake, 2)

    (one,) = minutes(lake)[0].each
    assert one.ip.isprintable()
    assert (len(one.ip), one.users) == (64, ("ro\ufffdot",))


def put_lines(lake: Lake, lines: list[str]) -> None:
    """Lines of an access log through the real decode, into a lake, all minutes closed."""
    events = [event for n, line in enumerate(lines) if (event := parse(line, "web", f"e-{n}"))]
    lake.payload = lambda _name, offset: dump(events[offset])
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    lake.admit()
    lake.batch(0, {0: len(events)})
    newest = max(event.timestamp for event in events) + timedelta(minutes=1)
    for _ in close(lake.places, MINUTES, newest.replace(second=0, microsecond=0)):
        pass


@pytest.mark.slow
@pytest.mark.nightly
def test_a_real_log_raises_no_address(lake: Lake, shared_data: Path) -> None:
    """Four days of a site, in which no attack is known."""
    with gzip.open(shared_data / "web/elastic_apache_access.log.gz", "rt", errors="replace") as log:
        put_lines(lake, log.read().splitlines())

    assert lake.count() == 9_999
    assert Detection(lake.places, CONFIG).addresses() == []


@pytest.mark.parametrize("status", [404, 200])
def test_attack_strings_raise_an_address(lake: Lake, shared_data: Path, status: int) -> None:
    """A scanner goes through a list of them, thirty a minute, among those who look at pages."""
    with gzip.open(shared_data / "hostile/http_params_payload_full.csv.gz", "rt") as lines:
        strings = [r["payload"] for r in csv.DictReader(lines) if r["attack_type"] != "norm"]
    line = '{} - - [17/May/2015:{:02}:{:02}:{:02} +0000] "GET {} HTTP/1.1" {} 99 "-" "x"'
    sent = [
        line.format(BAD, 10, n // 30, n % 30, f"/search?q={quote(text)}", status)
        for n, text in enumerate(strings[:600:2])
    ]
    people = zip(range(300), cycle(range(9)), strict=False)
    seen = [line.format(f"10.0.0.{who}", 10, n // 30, n % 30, "/", 200) for n, who in people]
    put_lines(lake, sent + seen)

    Detection(lake.places, CONFIG).addresses()
    assert {one.ip for one in written(lake)} == {BAD}


@pytest.mark.slow
def test_what_watches_minutes_keeps_its_own_state(site: Lake) -> None:
    """States of addresses lie beside those of the other fold, and neither takes the other's."""
    close_up_to(site, 90)
    Detection(site.places, CONFIG).addresses()

    newest = Snapshots(site.places, CONFIG, "state", 8).newest(State, lambda kept: kept)
    assert newest is None
    kept = [*(Path(site.places.ledger("minutes")) / "addresses").iterdir()]
    assert {file.name.endswith(CONFIG.hash) for file in kept} == {True}


@pytest.mark.spark
@pytest.mark.slow
def test_detect_once_finds_an_address(site: Lake) -> None:
    """The program by itself: Spark says which minutes are over, and who scanned is written."""
    process = get_context("spawn").Process(target=detect_once, args=(site.places.lake,))
    process.start()
    process.join(200)

    assert process.exitcode == 0
    assert [(one.ip, one.direction) for one in written(site)] == [(BAD, "scanning")]


def detect_once(lake: str) -> None:
    """`logpond detect --once`, in a process of its own: its JVM is not that of the tests."""
    asked = settings.load(lake=lake, spark_ui_port=0)
    Detect(asked, Places.of(asked), CONFIG, print)(once=True)
