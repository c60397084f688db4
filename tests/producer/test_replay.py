"""Real lines become events, once each, in order; broken lines travel as they are."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import orjson
import pytest

from lakehouse.errors import SettingsError
from producer.replay import LogFile, paced, shift_to
from producer.traffic.curve import MICROS

LINES = [
    b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8.7.1"',
    b"",
    b'192.0.2.2 - - [17/May/2015:10:05:13 +0000] "GET /b HTTP/1.1" 404 5 "-" "cut off',
    b'192.0.2.3 - - [17/May/2015:12:05:23 +0200] "GET /c/42 HTTP/1.1" 404 - "-" "\xff"',
]


def log(tmp_path: Path, zipped: bool = False) -> LogFile:
    """The lines above as a file, with both kinds of line ends."""
    path, content = tmp_path / "access.log", b"\n".join(LINES[:2]) + b"\n" + b"\r\n".join(LINES[2:])
    path.write_bytes(gzip.compress(content) if zipped else content)
    return LogFile(path, "web")


@pytest.mark.parametrize("zipped", [False, True])
def test_each_line_is_one_record_in_order(tmp_path: Path, zipped: bool) -> None:
    """Lines that parse become events, the others go as they are; blank ones are no records."""
    values = [value for _, (_, value) in log(tmp_path, zipped).records()]

    assert [orjson.loads(values[place] or b"")["path"] for place in (0, 2)] == ["/a", "/c/42"]
    assert values[1:2] == LINES[2:3]


def test_replayed_twice_the_events_have_the_same_names(tmp_path: Path) -> None:
    """An event is named by file and line, so a repeat can be told."""
    assert list(log(tmp_path).records()) == list(log(tmp_path).records())


def test_shifted_times_move_together(tmp_path: Path) -> None:
    """A shift moves every event by the same, and makes other events of them."""
    plain, shifted = (list(log(tmp_path).records(by)) for by in (0, 3600 * MICROS))
    first, moved = (orjson.loads(records[0][1][1] or b"") for records in (plain, shifted))

    assert [(b or 0) - (a or 0) for (a, _), (b, _) in zip(plain, shifted, strict=True) if a] == [
        3600 * MICROS
    ] * 2
    assert (first["timestamp"], moved["timestamp"]) == (
        "2015-05-17T10:05:03Z",
        "2015-05-17T11:05:03Z",
    )
    assert first["event_id"] != moved["event_id"]


@pytest.mark.parametrize(("speed", "sent_after"), [(0, 0), (1, 20), (4, 5)])
def test_shifted_to_now_the_last_line_ends_when_it_is_sent(speed: float, sent_after: int) -> None:
    """The last line's time is the wall clock at which its turn comes."""
    now, first, last = 1000 * MICROS, 100 * MICROS, 120 * MICROS

    assert last + shift_to(now, first, last, speed) == now + sent_after * MICROS


def test_slower_than_real_time_no_line_is_ahead_of_the_clock() -> None:
    """At half speed the first line is sent at its time, and no other before its own."""
    assert 100 * MICROS + shift_to(1000 * MICROS, 100 * MICROS, 120 * MICROS, 0.5) == 1000 * MICROS


def test_speed_keeps_the_distances(tmp_path: Path) -> None:
    """At double speed the last line waits for half of the twenty seconds."""
    held: list[float] = []
    list(paced(log(tmp_path).records(), 2, held.append))

    assert held == [0, 10]


def test_a_damaged_file_is_an_error_that_says_so(tmp_path: Path) -> None:
    """A gzip file that was cut short is not taken for a short one."""
    broken = log(tmp_path, zipped=True)
    broken.path.write_bytes(broken.path.read_bytes()[:-20])

    with pytest.raises(SettingsError, match="cannot be read to its end"):
        list(broken.records())


def test_the_real_log_is_replayed_to_the_line(shared_data: Path) -> None:
    """10,000 lines: 9,999 events with the days and statuses of its README, one raw line."""
    real = LogFile(shared_data / "web" / "elastic_apache_access.log.gz", "web")
    timed = list(real.records())
    events = [orjson.loads(value or b"") for at, (_, value) in timed if at]
    days = Counter(event["timestamp"][:10] for event in events)
    statuses = Counter(event["status_code"] for event in events)

    assert (len(timed), len(events)) == (10_000, 9_999)
    assert sorted(days.values()) == [1632, 2578, 2893, 2896]
    assert (statuses[404], statuses[500]) == (213, 3)
    assert len({event["event_id"] for event in events}) == 9_999
