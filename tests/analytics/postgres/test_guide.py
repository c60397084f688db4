"""What docs/postgres.md shows is run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.code import ROOT
from support.lakes import Lake
from support.postgres import psql, served
from support.sites import shop

from lakehouse.settings import Postgres

pytestmark = pytest.mark.slow
PAGE = (ROOT / "docs" / "postgres.md").read_text()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two and a half hours with an incident."""
    return shop(tmp_path_factory.mktemp("guide"))


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_guide_is_right(site: Lake, tmp_path: Path) -> None:
    """Its statements in psql, one after the other, and its program."""
    # the lake of the test has no moment five minutes ago
    statements = (
        "\n".join(_blocks("sql"))
        .replace("'-5m'", "'-0s'")
        .replace("logs.csv", f"{tmp_path}/logs.csv")
    )
    (tmp_path / "all.sql").write_text(statements)
    with served(site.places) as port:
        shown = psql(port, "-f", str(tmp_path / "all.sql"))
        assert "ERROR" not in shown, shown
        assert "logs|table" in shown
        assert (tmp_path / "logs.csv").read_text().startswith("timestamp,service,message\n")
        environment = {**os.environ, "LAKE": f"postgresql://me@127.0.0.1:{port}/logpond"}
        program = [sys.executable, "-c", "\n".join(_blocks("python"))]
        done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("bytes\n")


def test_the_guide_names_what_is_set() -> None:
    """Its figures are the defaults."""
    given = Postgres()
    figures = f"{given.seconds:g} s, {given.memory_mb} MB, {given.questions} at once"
    assert figures in PAGE
    assert f"port {given.port}" in PAGE
