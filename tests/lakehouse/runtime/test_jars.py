"""The jars a start uses are those of the lock, or it says which are not."""

import shutil
from pathlib import Path

import pytest

from lakehouse.errors import SettingsError
from lakehouse.runtime import jars


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with jars of our own making, and a lock that fits them."""
    (tmp_path / "a-1.jar").write_bytes(b"a jar")
    digest = jars.sha256(tmp_path / "a-1.jar")
    lock = [jars.Jar("g:a:1", digest, "spark"), jars.Jar("g:a:1", digest, "broker")]
    monkeypatch.setenv("LOGPOND_JARS", str(tmp_path))
    monkeypatch.setattr(jars, "locked", lambda: lock)
    jars.stamp(lock)
    return tmp_path


def test_lock_names_every_jar_once_with_a_hash() -> None:
    """Each line has exact coordinates, a sha256 and a user."""
    lock = jars.locked()
    assert len({jar.coordinates for jar in lock}) == len(lock)
    assert {len(jar.sha256) for jar in lock} == {64}
    assert {jar.use for jar in lock} == {"spark", "broker"}


def test_whole_folder_is_given(own_folder: Path) -> None:
    """Jars that are in order are handed out as paths."""
    assert jars.spark_jars() == [own_folder / "a-1.jar"]


def test_unchanged_jars_are_not_hashed_again(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start looks at size and time only."""
    monkeypatch.setattr(jars, "sha256", lambda _file: pytest.fail("hashed"))
    assert jars.spark_jars()


def test_copied_folder_is_hashed_instead(own_folder: Path) -> None:
    """A folder that came by copy, with other times, is still good."""
    shutil.copy(own_folder / "a-1.jar", own_folder / "copy")
    (own_folder / "copy").replace(own_folder / "a-1.jar")
    assert jars.spark_jars() == [own_folder / "a-1.jar"]


def test_damaged_jar_is_named(own_folder: Path) -> None:
    """A jar with other bytes stops the start and says what to do."""
    (own_folder / "a-1.jar").write_bytes(b"a jax")
    with pytest.raises(SettingsError, match=r"a-1\.jar is damaged") as error:
        jars.spark_jars()
    assert "make setup" in error.value.remedy


def test_missing_jar_is_named(own_folder: Path) -> None:
    """A jar that is not there stops the start and says so."""
    (own_folder / "a-1.jar").unlink()
    with pytest.raises(SettingsError, match=r"a-1\.jar is missing"):
        jars.broker_jars()


def test_broker_has_scala_of_spark() -> None:
    """Spark's resolver leaves scala-library out; the broker's list has it all the same."""
    assert [jar for jar in jars.broker_jars() if jar.name.startswith("scala-library-")]
