"""An import that is killed, wherever, and is run again: each record once, windows right."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.importing import Imports, csv_lines, written
from support.lakes import Lake

from lakehouse import store
from lakehouse.ingest.raw_zone import RawZone
from lakehouse.proof.verify import verify
from lakehouse.settings import CONF

pytestmark = [pytest.mark.faults, pytest.mark.slow]

CHILD = Path(__file__).parents[1] / "support" / "import_child.py"
STEPS = ("copied", "decoded", "planned", "quarantine", "logs", "noted")
WHEN_REPLACED = ("removed from quarantine", "removed from logs", "logs", "window")


def killed(lake: Lake, file: Path, step: str, replace: bool = False) -> None:
    """Import in a process of its own, which dies at a step."""
    order = {"die_at": step, "lake": lake.places.lake, "files": [str(file)], "replace": replace}
    env = {**os.environ, "PYTHONPATH": f"{CONF.parent}:{Path(__file__).parents[1]}"}
    ended = subprocess.run(
        [sys.executable, str(CHILD), json.dumps(order)],
        env=env,
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file, and a lake with that file in it, windows closed."""
    folder = tmp_path_factory.mktemp("first")
    file = written(folder / "a.csv", csv_lines(30, bad=[2]))
    Imports(Lake.at(folder)).run(file, windows=True)
    return folder


@pytest.fixture
def imports(first: Path, tmp_path: Path) -> Imports:
    """A copy of that lake."""
    shutil.copytree(first / "lake", tmp_path / "lake")
    return Imports(Lake.at(tmp_path))


@pytest.mark.parametrize("step", STEPS)
def test_a_file_is_in_once(imports: Imports, tmp_path: Path, step: str) -> None:
    """However far it came; meanwhile nothing is missing, repeated or unexplained."""
    file = written(tmp_path / "b.csv", csv_lines(40, bad=[3, 17], service="cart"))
    killed(imports.lake, file, step)
    meanwhile = verify(imports.lake.places)
    imports.run(file)

    found = verify(imports.lake.places)
    assert (meanwhile.ok, found.ok) == (True, True)
    assert (found.records, found.logs, found.quarantine) == (70, 67, 3)
    assert RawZone(imports.lake.places).plans.all() == []


@pytest.mark.parametrize("step", WHEN_REPLACED)
def test_a_file_is_replaced_once(imports: Imports, first: Path, step: str) -> None:
    """However far it came; meanwhile its rows are the old ones, the new ones or on their way."""
    file = written(first / "a.csv", csv_lines(40, bad=[3, 17], service="cart"))
    killed(imports.lake, file, step, replace=True)
    meanwhile = verify(imports.lake.places)
    imports.run(file, windows=True, replace=True)

    found = verify(imports.lake.places)
    assert (meanwhile.gaps, meanwhile.duplicates, meanwhile.unexpected) == (0, 0, 0)
    assert (found.ok, found.records, found.logs, found.quarantine) == (True, 40, 38, 2)
    assert imports.ask("SELECT DISTINCT service FROM logs") == [("cart",)]


@pytest.mark.parametrize("table", ["quarantine", "logs"])
def test_a_planned_file_that_is_lost_is_made_again(
    imports: Imports, tmp_path: Path, table: str
) -> None:
    """What was committed of that import is taken back first."""
    file = written(tmp_path / "b.csv", csv_lines(40, bad=[3, 17], service="cart"))
    killed(imports.lake, file, "planned" if table == "quarantine" else "quarantine")
    (plan,) = RawZone(imports.lake.places).plans.all()
    Path(imports.lake.places.table(table), plan.files_of(table)[0].path).unlink()
    imports.run(file)

    found = verify(imports.lake.places)
    assert (found.gaps, found.duplicates, found.unexpected, found.in_flight) == (0, 0, 0, 0)
    assert (found.records, found.logs, found.quarantine) == (70, 67, 3)


def test_what_was_left_is_finished_by_any_import(imports: Imports, tmp_path: Path) -> None:
    """Also where the file itself is gone."""
    file = written(tmp_path / "b.csv", csv_lines(40, service="cart"))
    killed(imports.lake, file, "planned")
    file.unlink()
    other = written(tmp_path / "c.csv", csv_lines(5, service="search"))

    assert imports.done(other) == ["finished", "imported"]
    assert store.open_table(imports.lake.places, "logs").count() == 29 + 40 + 5
