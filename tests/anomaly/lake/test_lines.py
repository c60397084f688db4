"""Logs without HTTP: errors, silence and patterns of a service, live as over history."""

from __future__ import annotations

from multiprocessing import get_context
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from support.lakes import Lake
from support.pages import pages
from support.trouble import close_minutes, found
from support.windows import at, logged

from anomaly.engine.config import Config
from anomaly.engine.config import Patterns as Limits
from anomaly.engine.incident import Incident
from anomaly.lake.detection import Detection, prepare_tables
from anomaly.lake.history import History
from anomaly.lake.job import Detect
from anomaly.lake.rows.folds import RowSnapshots
from anomaly.review.chart import figure_of
from anomaly.review.explain import Explained
from anomaly.review.recount import recounted
from lakehouse import settings, store
from lakehouse.duck import connect
from lakehouse.errors import SettingsError
from lakehouse.paths import Places
from lakehouse.response.mutes import Mute
from lakehouse.tables.catalog import LOGS

pytestmark = pytest.mark.slow

SOON = Config(patterns=Limits(warm_minutes=60))
MINUTES, TROUBLE, STOPS = 120, 80, 100
PATTERN = "billing cannot reach (bank) at <*> on <*> <*> <*>: timed out"


def lines(minute: int, service: str, messages: list[str], severity: int) -> pa.Table:
    """Rows of a program that knows no requests."""
    times = [at(minute + n / (len(messages) + 1)) for n in range(len(messages))]
    nothing = dict.fromkeys(("endpoint", "ip", "status_code", "response_time", "path", "method"))
    return logged(
        times,
        service=service,
        message=messages,
        severity_number=severity,
        event_id=[f"{service}-{minute}-{severity}-{n}" for n in range(len(messages))],
        _commit="writer:0",
        **nothing,
    )


def rows() -> pa.Table:
    """Two hours of two programs: one has trouble with its bank for a while, and stops later."""
    each = []
    for minute in range(MINUTES):
        each.append(lines(minute, "mailer", [f"sent mail {n}" for n in range(12)], 9))
        if minute < STOPS:
            each.append(lines(minute, "billing", [f"paid {n}.50 EUR" for n in range(12)], 9))
        if TROUBLE <= minute < TROUBLE + 6:
            day = "Tue Jun" if minute % 2 else "Wed Jul"
            end = "timed out\n\tat x"
            tried = [f"cannot  reach (bank) at 10.0.0.{n} on {day} 1: {end}" for n in range(12)]
            each.append(lines(minute, "billing", tried, 17))
    return pa.concat_tables(each)


def put(lake: Lake) -> Lake:
    """The rows in a lake; nothing is closed."""
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    lake.put(rows())
    return lake


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake that was detected a few minutes at a time, each time by a new process."""
    lake = put(Lake.at(tmp_path_factory.mktemp("live")))
    for minute in (40, 79, 81, 82, 90, 103, MINUTES):
        close_minutes(lake, minute)
        detection = Detection(lake.places, SOON)
        detection()
        detection.addresses()
    return lake


@pytest.fixture
def of_pattern(live: Lake) -> Incident:
    """The incident of the new pattern."""
    (one,) = found(live, "pattern")
    return one


@pytest.mark.slow
def test_errors_silence_and_patterns_are_found(live: Lake, of_pattern: Incident) -> None:
    """Each within two minutes; the pattern is a part of the errors that it made."""
    seen = {(one.measure, one.direction): one for one in found(live) if one.service == "billing"}
    errors, silence = seen["server_errors", "up"], seen["traffic", "down"]

    assert at(TROUBLE) <= errors.opened <= at(TROUBLE + 1)
    assert at(STOPS) <= silence.opened <= at(STOPS + 4)
    assert (of_pattern.key, of_pattern.direction) == (PATTERN, "new_pattern")
    assert at(TROUBLE) <= of_pattern.opened <= at(TROUBLE + 2)
    assert of_pattern.parent == (errors.parent or errors.incident_id)


def test_samples_are_lines_of_the_pattern(live: Lake, of_pattern: Incident) -> None:
    """The newest up to the minute that opened it."""
    table = store.open_table(live.places, LOGS).to_pyarrow_table(columns=["event_id", "message"])
    with connect() as connection:
        connection.register("events", table)
        names = ", ".join(f"'{name}'" for name in of_pattern.sample_event_ids)
        query = f"SELECT message FROM events WHERE event_id IN ({names})"
        messages = [message for (message,) in connection.sql(query).fetchall()]

    assert len(messages) == 5
    assert {message[:14] for message in messages} == {"cannot  reach "}


def test_history_is_judged_as_live(live: Lake, tmp_path: Path) -> None:
    """To the digit, whatever was closed and folded at once."""
    past = put(Lake.at(tmp_path))
    history = History(past.places, settings.load(lake=past.places.lake).anomaly, SOON)
    close_minutes(past, MINUTES)
    history.judge()

    of_now = [msgspec.structs.replace(one, of_past=False) for one in found(past)]
    assert of_now == found(live) != []


def test_it_is_explained_and_drawn(live: Lake, of_pattern: Incident) -> None:
    """Folded again it is the same; its lines are in the picture; there is nothing to recount."""
    explained = Explained(live.places, of_pattern, SOON)

    assert [*explained.render()][-1].endswith("give the same numbers")
    assert max(one.requests for one in explained.requests) == 12
    assert figure_of(explained).axes[0].get_ylabel() == "lines a minute"
    with pytest.raises(SettingsError, match="a pattern has no closed minutes"):
        recounted(live.places, of_pattern)


def test_the_page_shows_it(live: Lake, of_pattern: Incident) -> None:
    """With what it is a part of."""
    page = pages(live).get(f"/incidents/{of_pattern.incident_id}").raise_for_status().text
    assert "new pattern" in page
    assert of_pattern.parent in page


def test_it_is_muted_with_its_service(of_pattern: Incident) -> None:
    """Or by itself."""
    assert Mute("billing", at(0), at(1)).covers(of_pattern)
    assert Mute(PATTERN, at(0), at(1)).covers(of_pattern)
    assert not Mute("mailer", at(0), at(1)).covers(of_pattern)


def test_rows_are_folded_once(live: Lake) -> None:
    """Also where no row has an address: a start goes on from the last minutes."""
    kept = RowSnapshots(live.places, SOON).newest()
    last = int(at(MINUTES).timestamp()) // 60 - 1
    assert {one.folded_to for one in kept.folds.values()} == {last}


def test_names_are_inert_and_bounded(lake: Lake) -> None:
    """No control character, and no more than is read at a glance; its samples are found."""
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    hostile = ["\x1b[2Jx' OR 1=1 -- (.*) " + "very " * 200] * 30
    each = [lines(minute, "web", ["tick 1"], 9) for minute in range(80)]
    lake.put(pa.concat_tables([*each, lines(80, "web", hostile, 17)]))
    close_minutes(lake, 81)
    Detection(lake.places, SOON).addresses()

    (one,) = found(lake, "pattern")
    assert one.key.isprintable()
    assert len(one.key) < 200
    assert len(one.sample_event_ids) == 5


@pytest.mark.spark
@pytest.mark.nightly
def test_detect_once_finds_all_of_it(lake: Lake, live: Lake) -> None:
    """The program by itself: Spark says which minutes are over."""
    process = get_context("spawn").Process(target=detect_once, args=(put(lake).places.lake,))
    process.start()
    process.join(200)

    assert process.exitcode == 0
    there = {(one.key, one.measure, one.direction) for one in found(lake)}
    assert there == {(one.key, one.measure, one.direction) for one in found(live)}


def detect_once(lake: str) -> None:
    """`logpond detect --once`, in a process of its own: its JVM is not that of the tests."""
    asked = settings.load(lake=lake, spark_ui_port=0)
    Detect(asked, Places.of(asked), SOON, print)(once=True)
