"""`discover --register`: files as a table by name, the same rows from both engines."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.lakes import Lake, events

from cli.__main__ import logpond

ROWS = "time,client_ip,status,note\n" + "".join(
    f'2026-05-01T{n:02d}:00:00Z,192.0.2.{n},{200 + n},"a ""{n}"", b"\n' for n in range(12)
)
BROKEN = ROWS + "2026-05-01T13:00:00Z,192.0.2.1,often,\n" + "only one value\n"
QUESTION = "SELECT time, status, note, date FROM Views ORDER BY time"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Two days in folders with blanks and brackets in their names, one file packed."""
    for day, content in (("2026-05-01", BROKEN), ("2026-05-02", ROWS)):
        folder = tmp_path / "my [views]" / f"date={day}"
        folder.mkdir(parents=True)
        text = content.replace("2026-05-01T", f"{day}T").encode()
        packed = day == "2026-05-02"
        (folder / f"a.csv{'.gz' * packed}").write_bytes(gzip.compress(text) if packed else text)
    return tmp_path / "my [views]"


def run(lake: Lake, *words: str | Path) -> Result:
    """A command on a lake."""
    return CliRunner().invoke(logpond, [*map(str, words), "--lake", lake.places.lake])


def rows(lake: Lake, sql: str, *flags: str) -> list[dict[str, Any]]:
    """An answer of `logpond sql`."""
    found = run(lake, "sql", sql, "--format", "json", *flags)
    assert found.exit_code == 0, (found.output, found.exception)
    answer: list[dict[str, Any]] = json.loads(found.stdout)
    return answer


def test_a_registered_name_is_a_table(lake: Lake, files: Path) -> None:
    """With types, keys of folders, and without broken rows; whatever the case of its name."""
    done = run(lake, "discover", files, "--register", "views")
    assert "views is a table now" in done.stderr
    found = rows(lake, QUESTION)
    assert len(found) == 25
    assert {row["date"] for row in found} == {"2026-05-01", "2026-05-02"}
    assert found[1]["note"] == 'a "1", b'
    assert [row["status"] for row in found].count(None) == 1
    assert "views" in [row["name"] for row in rows(lake, "SHOW TABLES")]


def test_it_can_be_joined_with_tables_of_the_lake(lake: Lake, files: Path) -> None:
    """In one statement."""
    lake.put(events(range(3)))
    run(lake, "discover", files, "--register", "views")
    (found,) = rows(lake, "SELECT COUNT(*) AS n FROM logs, views WHERE status = 200")
    assert found["n"] == 6


@pytest.mark.spark
@pytest.mark.slow
def test_spark_reads_it_by_the_same_name(lake: Lake, files: Path) -> None:
    """The same rows."""
    run(lake, "discover", files, "--register", "views")
    assert rows(lake, QUESTION, "--engine", "spark") == rows(lake, QUESTION)
    count = "SELECT COUNT(*) AS n FROM views"
    assert rows(lake, count, "--engine", "spark") == rows(lake, count)


def test_unregistered_it_is_gone_and_its_files_stay(lake: Lake, files: Path) -> None:
    """A second time it is words."""
    run(lake, "discover", files, "--register", "views")
    assert "is registered again" in run(lake, "discover", files, "--register", "VIEWS").stderr
    run(lake, "discover", "--unregister", "Views")
    assert run(lake, "sql", QUESTION).exit_code == 4 or run(lake, "sql", QUESTION).exception
    assert "no files are registered as views" in str(
        run(lake, "discover", "--unregister", "views").exception
    )
    assert len([*files.rglob("*.csv*")]) == 2


@pytest.mark.parametrize("name", ["../logs", "a b", "1st", "select", "logs", "x" * 64, "a;b", ""])
def test_a_name_that_is_not_safe_is_refused(lake: Lake, files: Path, name: str) -> None:
    """It would be a path, a word of SQL, or another table."""
    done = run(lake, "discover", files, "--register", name)
    assert rows(lake, "SHOW TABLES") == []
    assert name == "" or done.exception


def test_files_have_no_versions(lake: Lake, files: Path) -> None:
    """An earlier moment is refused in words."""
    run(lake, "discover", files, "--register", "views")
    done = run(lake, "sql", "SELECT * FROM views", "--version", "0")
    assert "files, which have no versions" in str(done.exception)


def test_what_one_engine_would_read_otherwise_is_refused(lake: Lake, tmp_path: Path) -> None:
    """Other columns in one file; gzip without its name; lines of an access log."""
    (tmp_path / "mixed").mkdir()
    (tmp_path / "mixed" / "a.csv").write_text(ROWS)
    (tmp_path / "mixed" / "b.csv").write_text(ROWS.replace("note", "remark"))
    (tmp_path / "packed.csv").write_bytes(gzip.compress(ROWS.encode()))
    for path, why in (("mixed", "other columns"), ("packed.csv", "gzip")):
        done = run(lake, "discover", tmp_path / path, "--register", "views")
        assert why in str(done.exception)
