"""Phase 1 of one file: every line is a view, a duplicate or a reject."""

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import views
from support.views import line

from batch.jobs.watch_time import source, spill
from lakehouse.errors import SettingsError


def test_a_line_becomes_a_typed_view(tmp_path: Path) -> None:
    """With its region, its time in UTC, and its minutes as they were written."""
    path = views.write(tmp_path / "a.csv", [line(at="2026-01-01T12:00:00+02:00", minutes="0.1")])

    views.cleaned(path)

    assert views.views(path) == [
        {
            "file": "a.csv",
            "line": 2,
            "log_id": "l1",
            "user_id": "ann",
            "ip": "8.8.8.8",
            "geo_region": "north-america",
            "timestamp": datetime(2026, 1, 1, 10, tzinfo=UTC),
            "watch_time": Decimal("0.100000"),
        }
    ]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (line(log_id=""), "missing_log_id"),
        (line(user=""), "missing_user_id"),
        (line(at=""), "bad_timestamp"),
        (line(at="2026-02-30 00:00:00"), "bad_timestamp"),
        (line(at="0001-01-01 00:00:00"), "bad_timestamp"),
        (line(at="noon"), "bad_timestamp"),
        (line(minutes=""), "missing_watch_time"),
        ("l1,ann,8.8.8.8,2026-01-01 00:00:00", "missing_watch_time"),
        (line(minutes="-0.01"), "negative_watch_time"),
        (line(minutes="NaN"), "bad_watch_time"),
        (line(minutes="1e3"), "bad_watch_time"),
        (line(minutes="1.0000001"), "bad_watch_time"),
        (line(minutes="inf"), "bad_watch_time"),
        (line(minutes="1,5"), ""),
        ("", "missing_log_id"),
        (b"l1,\xff\xfe,8.8.8.8,2026-01-01 00:00:00,1", "not_utf8"),
        ('l1,"ann,8.8.8.8,2026-01-01 00:00:00,1', "broken_quotes"),
        ("l1,an\x00n,8.8.8.8,2026-01-01 00:00:00,1", ""),
    ],
)
def test_a_line_that_does_not_count_has_a_reason(
    tmp_path: Path, bad: str | bytes, reason: str
) -> None:
    """It is kept with its number, and takes no other line with it; too many values are no fault."""
    path = views.write(tmp_path / "a.csv", [line("before"), bad, line("behind")])

    note = views.cleaned(path)

    assert (views.rejects(path), note.rows) == ([(3, reason)] if reason else [], 3)
    assert {"before", "behind"} <= {one["log_id"] for one in views.views(path)}


def test_an_address_that_is_none_does_not_lose_the_view(tmp_path: Path) -> None:
    """Its watch time counts in the region `invalid`."""
    path = views.write(tmp_path / "a.csv", [line(ip="nope"), line("l2", ip="")])

    note = views.cleaned(path)

    assert (note.regions, note.rejects) == ({"invalid": 2}, {})


def test_of_a_log_id_the_first_valid_line_counts(tmp_path: Path) -> None:
    """Whatever the others say of address, user or minutes; one that is rejected is not first."""
    lines = [line(minutes="-1"), line(ip=views.HOME, minutes="2"), line(user="bob", minutes="3")]
    path = views.write(tmp_path / "a.csv", lines)

    note = views.cleaned(path)

    [view] = views.views(path)
    assert (view["line"], view["geo_region"], note.duplicates) == (3, "private", 1)


@pytest.mark.slow
def test_duplicates_are_found_however_far_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In blocks of few lines, many buckets, and a bucket that is thinned out on the way."""
    monkeypatch.setattr(source.blocks, "__defaults__", (300,))
    monkeypatch.setattr(spill, "BUCKET_BYTES", 2000)
    monkeypatch.setattr(spill, "MOST_ROWS", 20)
    lines = [line(f"l{n % 170}", f"user{n}") for n in range(1000)]
    path = views.write(tmp_path / "a.csv", lines)

    note = views.cleaned(path)

    kept = {(one["log_id"], one["user_id"]) for one in views.views(path)}
    assert kept == {(f"l{n}", f"user{n}") for n in range(170)}
    assert (note.rows, note.views, note.duplicates) == (1000, 170, 830)


def test_blanks_around_values_are_no_part_of_them(tmp_path: Path) -> None:
    """Neither of a user, who would be two, nor of an address or a time."""
    path = views.write(tmp_path / "a.csv", [line().replace(",", ", ")])

    views.cleaned(path)

    [view] = views.views(path)
    assert (view["user_id"], view["ip"]) == ("ann", "8.8.8.8")


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    """In any order, among others, quoted, with a byte order mark and CRLF, packed by gzip."""
    header = '\ufefftitle,"watch_time(min)",ip,user_id,timestamp,log_id'
    row = '"Up, and ""down""",2,8.8.8.8,"a,nn",2026-01-01 00:00:00,l1'
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(f"{header}\r\n{row}\r\n".encode()))

    views.cleaned(path)

    [view] = views.views(path)
    assert (view["user_id"], view["log_id"], view["watch_time"]) == ("a,nn", "l1", 2)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (line().encode(), "line 1: no column log_id"),
        (b"log_id,user_id,timestamp,watch_time(min)\n", "line 1: no column ip"),
        (f"{views.HEADER},ip\n".encode(), "line 1: ip twice"),
        (gzip.compress(views.HEADER.encode() * 999, mtime=0)[:40], "cannot be read to its end"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    """With its name and the reason; nothing of it is taken for done."""
    path = tmp_path / "a.csv"
    path.write_bytes(content)

    with pytest.raises(SettingsError, match=f"a.csv.*{reason}"):
        views.cleaned(path)
    assert [*tmp_path.rglob("*.json")] == []


LINES = st.lists(
    st.one_of(
        st.binary(max_size=40).filter(lambda b: b"\n" not in b),
        st.builds(
            line,
            st.sampled_from(["a", "b", '"c"', ""]),
            st.sampled_from(["u", '"', "é"]),
            st.text(max_size=8).filter(lambda t: "\n" not in t),
        ),
    ),
    max_size=12,
)


@pytest.mark.slow
@given(LINES)
@example([b"\x1f\x8b", b""])
@example([b"x\x9c"])
@example([b"(\xb5/\xfd"])
def test_whatever_the_lines_are_each_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str | bytes]
) -> None:
    """Views, duplicates and rejects together are as many as the lines."""
    path = tmp_path_factory.mktemp("any") / "a.csv"
    lines = [one.encode(errors="replace") if isinstance(one, str) else one for one in lines]
    views.write(path, lines)

    note = views.cleaned(path)

    found = len(views.views(path)) + note.duplicates + len(views.rejects(path))
    assert (note.rows, found) == (len(lines), len(lines))
