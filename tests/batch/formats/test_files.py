"""Log files as people have them: what they are is told by their content, or refused in words."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from batch.formats.kind import Kind, sniff
from batch.formats.paths import expand
from lakehouse.errors import SettingsError
from lakehouse.event.textfile import lines

ACCESS = b'192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8.7.1"\n'
NAMED = b"time,client_ip,status,url,host\n2026-05-01T00:00:00Z,192.0.2.7,200,/a,web-1\n"
MAPPING = {
    "time": "timestamp",
    "client_ip": "ip",
    "status": "status_code",
    "url": "path",
    "host": "host",
}


def kind(tmp_path: Path, content: bytes, name: str = "some.file") -> Kind:
    """What a file of this content is."""
    path = tmp_path / name
    path.write_bytes(content)
    return sniff(path)


@pytest.mark.parametrize(
    ("content", "form", "header", "columns"),
    [
        (ACCESS * 3 + b"cut off\n", "access-log", False, 11),
        (b'{"a": 1}\n\n{"b": [2]}\nbroken\n', "json", False, 2),
        (NAMED, "csv", True, 5),
        (b"\xef\xbb\xbf" + NAMED.replace(b"\n", b"\r\n"), "csv", True, 5),
        (b'at;text\n2026-05-01;"two\nlines, and; more"\n2026-05-02;""\n', "csv", True, 2),
        (b"time\tstatus\n2026-05-01\t200\n", "csv", True, 2),
        (b"2026-05-01 00:00:00,ann,1\n2026-05-01 00:00:01,bob,2\n", "csv", False, 3),
        (NAMED + b"x\na,b,c,d,e,f\n" + NAMED[31:] * 3, "csv", True, 5),
    ],
)
def test_a_file_is_recognised(
    tmp_path: Path, content: bytes, form: str, header: bool, columns: int
) -> None:
    """By its first lines: also with a mark, other line ends, other separators, broken lines."""
    found = kind(tmp_path, content)
    assert (found.format, found.header, len(found.columns)) == (form, header, columns)


@pytest.mark.parametrize("content", [ACCESS, NAMED, b'{"ts": 1}\n'])
def test_gzip_is_told_by_its_bytes(tmp_path: Path, content: bytes) -> None:
    """A packed file is what it is unpacked, whatever its name."""
    plain, packed = kind(tmp_path, content), kind(tmp_path, gzip.compress(content))
    assert (plain.compressed, packed.compressed) == (False, True)
    assert (plain.format, plain.columns) == (packed.format, packed.columns)


def test_columns_are_proposed_by_usual_names(tmp_path: Path) -> None:
    """And a host is taken for an address only where it is one."""
    other = NAMED.replace(b"client_ip,", b"other,").replace(b"web-1", b"192.0.2.8")
    assert kind(tmp_path, NAMED).mapping == MAPPING
    assert kind(tmp_path, other).mapping["host"] == "ip"


def test_a_column_that_is_proposed_is_one_that_converts(tmp_path: Path) -> None:
    """In NDJSON as in CSV; a unit that nobody tells is a guess, which is said."""
    record = b'{"ts": 1, "user_id": 17, "bytes": "5k", "duration": "9", "agent": "x"}\n'
    found = kind(tmp_path, record)
    assert found.mapping == {"agent": "user_agent", "user_id": "user"}
    assert (found.untold, "unit of duration is not told" in found.notes[0]) == (
        {"duration": "ms"},
        True,
    )


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"Hello, world.\nProse has commas, too.\n", "raw"),
        (b"\x1b[2Jone\ntwo\n", "raw"),
        (b'[\n{"a": 1},\n{"a": 2}\n]\n', "json"),
        (b"{}\n{}\n", "raw"),
    ],
)
def test_any_text_is_of_some_format(tmp_path: Path, content: bytes, form: str) -> None:
    """Lines that nothing is known of are messages, and that is said."""
    found = kind(tmp_path, content)
    assert (found.format, bool(found.notes)) == (form, form == "raw")


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        (
            b"Time,time,,TIME_1,time\n2026-05-01,,,,\n",
            ("Time", "time_1", "column2", "TIME_1_1", "time_2"),
        ),
        (b'{"ts": 1, "TS": 2, "": 3, "a.b": 4}\n', ("ts", "a.b")),
    ],
)
def test_names_are_such_as_sql_can_tell_apart(
    tmp_path: Path, content: bytes, columns: tuple[str, ...]
) -> None:
    """Each column has one of its own, whatever the file calls it."""
    assert kind(tmp_path, content).columns == columns


def test_columns_without_names_are_proposed_by_their_values(tmp_path: Path) -> None:
    """Times, addresses, statuses, methods and paths look like nothing else."""
    found = kind(tmp_path, b"2026-05-01 10:00:00,192.0.2.7,GET,/a,200,17\n" * 2)
    assert list(found.mapping.values()) == ["timestamp", "ip", "method", "path", "status_code"]


def test_a_run_of_zero_bytes_is_one_broken_line(tmp_path: Path) -> None:
    """A crash of the machine leaves such a run: the file is what its other lines are."""
    assert kind(tmp_path, NAMED * 9 + b"\x00" * 5000 + b"\n" + NAMED * 9) == kind(
        tmp_path, NAMED * 18
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\x00\x01\x02" * 9, "binary"),
        ("time,ip\n".encode("utf-16"), "UTF-16"),
        (b"PK\x03\x04...", "zip archive"),
        (b"time,ip\r2026-05-01,192.0.2.1\r", "line ends are CR alone"),
        (gzip.compress(NAMED * 9, mtime=0)[:-9], "cannot be read to its end"),
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    """With its name and why; nothing of it reaches a terminal as it is."""
    with pytest.raises(SettingsError, match=reason) as error:
        kind(tmp_path, content)
    assert "some.file" in str(error.value)


def test_lines_come_without_ends_and_mark(tmp_path: Path) -> None:
    """Plain and packed alike, the last one also without an end."""
    for content in (text := b"\xef\xbb\xbfa\r\n\nb", gzip.compress(text)):
        (tmp_path / "file").write_bytes(content)
        assert list(lines(tmp_path / "file")) == [b"a", b"", b"b"]


def test_folders_and_globs_give_their_files_once(tmp_path: Path) -> None:
    """In order, without hidden ones; a path that leads nowhere is named."""
    for name in ("b/2.csv", "b/1.csv", "a.log", "b/.hidden", "_temporary/x.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    found = expand([tmp_path / "b", f"{tmp_path}/b/*.csv", tmp_path])
    assert [f.relative_to(tmp_path).as_posix() for f in found] == ["b/1.csv", "b/2.csv", "a.log"]
    with pytest.raises(SettingsError, match="nowhere is not there"):
        expand([tmp_path / "nowhere"])


def test_real_files_are_recognised(shared_data: Path) -> None:
    """An access log, edits as JSON, series and attacks as CSV; archives are refused."""
    files = expand([shared_data / "web", shared_data / "json", shared_data / "nab" / "realTraffic"])
    assert [sniff(f).format for f in files] == ["access-log", "json", *["csv"] * (len(files) - 2)]
    assert sniff(shared_data / "hostile" / "http_params_payload_full.csv.gz").header
    with pytest.raises(SettingsError, match="tar archive"):
        sniff(shared_data / "hostile" / "json_parsing_cases.tar.gz")
