"""A Java that does not fit is one line that says what to install."""

import resource
from pathlib import Path

import pytest

from lakehouse.errors import SettingsError
from lakehouse.runtime import java


def fake_java(home: Path, version: str) -> None:
    """A `java` that only knows its version."""
    (home / "bin").mkdir()
    (home / "bin" / "java").write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    (home / "bin" / "java").chmod(0o755)


@pytest.mark.parametrize("version", ["17", "17.0.15", "21.0.2", "25-ea"])
def test_new_enough(version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Java 17 and later will do."""
    fake_java(tmp_path, version)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert java.check() == f"{tmp_path}/bin/java"


@pytest.mark.parametrize("version", ["1.8.0_392", "11.0.2"])
def test_too_old(version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older one is named, in one line, with what to install on each system."""
    fake_java(tmp_path, version)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(SettingsError, match=r"is Java (8|11)\)") as error:
        java.check()
    said = str(error.value)
    assert "\n" not in said
    assert all(tool in said for tool in ("apt", "dnf", "pacman", "brew", "winget"))


def test_what_the_release_says_starts_no_jvm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file that each JDK has beside it is enough: this `java` would say another version."""
    fake_java(tmp_path, "11")
    (tmp_path / "release").write_text('IMPLEMENTOR="Debian"\nJAVA_VERSION="17.0.15"\n')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert java.check() == f"{tmp_path}/bin/java"


def test_none_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Java anywhere is the same line."""
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SettingsError, match="Java 17 or newer is needed"):
        java.check()


def test_too_few_open_files_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line with the limit and its name, before a JVM dies of it."""
    monkeypatch.setattr(resource, "getrlimit", lambda _of: (64, 256))
    with pytest.raises(SettingsError, match=r"only 256 files .*ulimit -n"):
        java.check()
