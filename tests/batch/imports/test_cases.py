"""The inputs that failed when tried: each comes out right, or is refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.reading_files import Rows, of_file

from batch.formats.kind import sniff
from batch.imports.reading import overrides_of

TIME = "2026-05-17T10:05:03+00:00"


def rows(shared_data: Path, name: str, *maps: str) -> tuple[Rows, Rows]:
    """The events and rejects of a case."""
    said = overrides_of(maps, ["service=svc"], "UTC") if maps else None
    return of_file(shared_data / "cases" / "files" / name, said)


@pytest.mark.parametrize(
    ("name", "count", "ip"),
    [
        ("A01_vhost_combined.log", 5, "192.0.2."),
        ("A02_xff_list.log", 3, "203.0.113.9"),
        ("A03_syslog.log", 3, "192.0.2.7"),
        ("A04_cri.log", 3, "192.0.2.7"),
        ("A05b_compose1.log", 3, "192.0.2.7"),
        ("A05c_kubectl_ts.log", 3, "192.0.2.7"),
        ("A07_D_before_request.log", 3, "192.0.2.7"),
        ("A10_msec_time.log", 3, "192.0.2.7"),
        ("A22_crlf_blank_trailing.log", 3, "192.0.2.7"),
    ],
)
def test_what_stands_around_a_line_is_no_address(
    shared_data: Path, name: str, count: int, ip: str
) -> None:
    """Of a site, a list, syslog and containers; no user comes of it, and every line is a row."""
    events, rejects = rows(shared_data, name)
    assert (len(events), rejects) == (count, [])
    for row in events:
        assert row["ip"].startswith(ip)
        assert (row["user"], row["status_code"], row["bytes_sent"]) == (None, 200, 512)
        assert row["timestamp"].isoformat()[:17] == TIME[:17]
        assert row["response_time"] is None


def test_a_run_of_zeros_costs_one_line(shared_data: Path) -> None:
    """The rest is in."""
    events, rejects = rows(shared_data, "A08_nul_run.log")
    assert (len(events), len(rejects)) == (40, 1)


def test_users_and_methods(shared_data: Path) -> None:
    """An empty user is none; a method may have a hyphen."""
    users = [row["user"] for row in rows(shared_data, "A14_user_spaces.log")[0]]
    requests = [(r["method"], r["path"]) for r in rows(shared_data, "A15_requests.log")[0]]
    assert users == ["john doe", "ann@example.com", None, r"DOMAIN\bob"]
    assert requests[-2:] == [("M-SEARCH", "*"), ("VERSION-CONTROL", "/x")]


# What a record says of its service, where another is said for all of a file.
SHOP = ("original.service", "shop")
FIELDS: list[tuple[str, tuple[str, ...], dict[str, Any]]] = [
    ("A18_cloudfront.tsv", (), {"status_code": 301, "bytes_sent": 563, "response_time": 12.0}),
    ("B01_nginx_json_strings.ndjson", (), {"status_code": 200, "method": "GET"}),
    ("B02_nginx_json_numbers.ndjson", (), {"path": "/shop/1?x=1", "response_time": 98.0}),
    ("B04_traefik.ndjson", (), {"response_time": 250.0, "status_code": 200, "ip": "192.0.2.7"}),
    ("B09_jsonseq.json", (), {"status_code": 200}),
    ("B10_concat.json", (), {"status_code": 200}),
    ("B11_pretty.json", (), {"status_code": 200, "attributes": [("n", "[1,2,3]"), SHOP]}),
    ("B21_bom.ndjson", (), {"ip": "192.0.2.7"}),
    ("B22_blank_lines.ndjson", (), {"ip": "192.0.2.7"}),
    ("C01b_space.csv", (), {"endpoint": "/a", "response_time": 1.5}),
    ("C02_sep.csv", (), {"endpoint": "/a", "response_time": 1.5}),
    ("C03_nulls.csv", (), {"ip": "192.0.2.7", "response_time": None, "_misfits": None}),
    ("C04b_user_agent.csv", (), {"response_time": 1500.0}),
    ("C08_comments.csv", (), {"endpoint": "/a", "response_time": 1.5}),
    ("C08b_blank_head.csv", (), {"endpoint": "/a", "response_time": 1.5}),
    ("C08c_title.csv", (), {"endpoint": "/a", "response_time": 1.5}),
    ("C10_backslash.csv", (), {"user_agent": 'Moz "x", y'}),
    ("C11_date_time.csv", (), {"status_code": 200, "time_from": "event"}),
    ("C26_float_status.csv", (), {"status_code": 200}),
    ("C28_seconds.csv", (), {"response_time": None, "attributes": [("duration", "0.250"), SHOP]}),
    ("C28_seconds.csv", ("duration=response_time:s",), {"response_time": 250.0}),
    ("C29_multiline_crlf.csv", (), {"user_agent": 'line one\r\nline two, "q"'}),
    ("C31_thousands.csv", (), {"bytes_sent": 1024}),
]


@pytest.mark.parametrize(("name", "maps", "fields"), FIELDS)
def test_each_row_has_the_right_values(
    shared_data: Path, name: str, maps: tuple[str, ...], fields: dict[str, Any]
) -> None:
    """None is refused, all have their own time, and what they say is what stood there."""
    events, rejects = rows(shared_data, name, *maps)
    assert events
    assert rejects == []
    assert {row["time_from"] for row in events} == {"event"}
    for row in events:
        assert {key: row[key] for key in fields} == fields


def test_units_in_words_are_taken_and_a_guess_is_told(shared_data: Path) -> None:
    """`12ms` and `1.2s` say theirs; 0.250 does not."""
    events, _ = rows(shared_data, "C04_units.csv")
    guessed = sniff(shared_data / "cases" / "files" / "C28_seconds.csv")
    assert [row["response_time"] for row in events] == [12.0, 15.0, 1200.0, 8.0, 9.0, 11.0]
    assert "--map duration=response_time:s" in guessed.notes[0]


def test_times_of_all_forms(shared_data: Path) -> None:
    """The same moment in most; a fraction, an epoch, a leap second, a zone with another minus."""
    epoch, _ = rows(shared_data, "B06_epoch_ms.ndjson")
    events, rejects = rows(shared_data, "B07_times.ndjson")
    seen = [row["timestamp"].isoformat() for row in events]
    assert {row["timestamp"].isoformat() for row in epoch} == {"2026-05-17T10:05:03.500000+00:00"}
    assert (len(events), rejects, {row["time_from"] for row in events}) == (19, [], {"event"})
    assert seen.count(TIME) == 12
    assert seen[8:10] == ["2026-05-18T00:00:00+00:00", "2027-01-01T00:00:00+00:00"]


def test_a_python_log_is_no_csv(shared_data: Path) -> None:
    """Its lines have a time, a level, a logger and a message."""
    events, _ = rows(shared_data, "C05b_python.log")
    assert len(events) == 20
    assert [events[0][n] for n in ("level", "logger", "message")] == [
        "INFO",
        "app",
        "user0 logged in",
    ]


def test_bytes_behind_a_gzip_are_left_out_with_a_warning(shared_data: Path) -> None:
    """What is in it is taken."""
    from lakehouse.event.textfile import lines

    warnings: list[str] = []
    found = [*lines(shared_data / "cases" / "files" / "D02_garbage.log.gz", warnings.append)]
    assert len(found) > 0
    assert warnings == ["bytes behind the end of its gzip were left out"]
