"""What looks at a lake starts no JVM: a Java that would note its start is never called."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from support.lakes import Lake
from support.windows import Pond, at, logged

from cli.__main__ import logpond

pytestmark = pytest.mark.slow

COMMANDS = (
    ("status", "--bootstrap", "127.0.0.1:1"),
    ("report", "hourly"),
    ("report", "slowest"),
    ("tail", "--no-follow"),
    ("diff", "logs", "0", "1"),
    ("tables",),
    ("history", "logs"),
    ("sql", "SELECT COUNT(*) FROM traffic"),
    ("reset", "--yes", "--keep-topic"),
    ("doctor", "--bootstrap", "127.0.0.1:1"),
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_java_is_started(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by JAVA_HOME nor by PATH."""
    pond, noted = Pond(Lake.at(tmp_path)), tmp_path / "started"
    pond.arrive(logged([at(5)]))
    pond.close(at(30))
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho started > {noted}\nexit 1\n")
    java.chmod(0o755)
    (tmp_path / "release").write_text('JAVA_VERSION="17.0.1"')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(java.parent), prepend=":")
    said = CliRunner().invoke(logpond, [*words, "--lake", pond.lake.places.lake])

    assert said.exit_code in (0, 1)
    assert said.exception is None or isinstance(said.exception, SystemExit | click.exceptions.Exit)
    assert not noted.exists()
