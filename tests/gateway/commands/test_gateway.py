"""The command: what it prints, what it refuses."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.code import ROOT
from support.sending import SOURCES

from cli.stack.broker import Broker
from lakehouse.http.tokens import Tokens
from lakehouse.paths import Places


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`logpond gateway`, which ends by itself."""
    command = [sys.executable, "-m", "gateway", "--lake", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.slow
def test_a_topic_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    """In words, with the entry to add; so is one that is read as something else than JSON."""
    (tmp_path / "sources.toml").write_text(SOURCES.format(topic="mine"))
    for topic in ("other", "mine-apache"):
        done = run(tmp_path, "--sources", str(tmp_path / "sources.toml"), "--topic", topic)
        assert (done.returncode, f'topics = ["{topic}"]' in done.stderr) == (2, True)
        assert "Traceback" not in done.stderr


def test_a_topic_that_is_not_there_is_refused(broker: Broker, tmp_path: Path) -> None:
    """Where Kafka answers, it is said at the start."""
    (tmp_path / "sources.toml").write_text(SOURCES.format(topic="never-made"))
    where = ("--bootstrap", broker.bootstrap, "--topic", "never-made")
    done = run(tmp_path, "--sources", str(tmp_path / "sources.toml"), *where)
    assert (done.returncode, "never-made does not exist" in done.stderr) == (5, True)


@pytest.mark.slow
def test_the_token_of_the_documents_is_made(tmp_path: Path) -> None:
    """By the command as it stands there."""
    text = (ROOT / "docs" / "gateway.md").read_text()
    (command,) = re.findall(r"^logpond (token create .*)$", text, re.MULTILINE)
    words = [sys.executable, "-m", "cli", *command.split(), "--lake", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    tokens = Tokens.of(Places.at(str(tmp_path)))
    found = tokens.find(done.stdout.split()[-1])
    assert (done.returncode, found and found.scope) == (0, "ingest")
