"""Trouble of a bucket that stays ends each command in one sentence, and costs no record."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.bucket_proxy import BucketProxy
from support.importing import csv_lines, written
from support.lakes import Lake

pytestmark = [pytest.mark.faults]

ALWAYS = 10_000
NOISE = re.compile(r"Traceback|Exception|panicked|Debug source|\x1b|\[31m", re.MULTILINE)
FULL = "is full at http"
SAYS = {"403": FULL, "507": FULL, "503": "SlowDown 503", "cut": "no answer from http"}
PLACES = {"rows": "logs/date", "a plan": "import.ledger/plans", "a commit": "logs/_delta_log"}


def logpond(lake: Lake, *words: str) -> tuple[int, str]:
    """A command as a person runs it: its exit code, and what it says."""
    command = [sys.executable, "-m", "cli", *words, "--lake", lake.places.lake]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=os.environ)
    return done.returncode, done.stdout + done.stderr


def unsaid(lake: Lake, words: str, what: str) -> list[str]:
    """What is wrong with how a command ends that a bucket fails."""
    code, said = logpond(lake, *words.split())
    is_right = code == 8 and re.search(SAYS[what], said) and not NOISE.search(said)
    return [] if is_right else [f"exit code {code}", said]


def amiss(lake: Lake, proxy: BucketProxy, folder: Path, what: str, path: str) -> list[str]:
    """Imports a file while a request always fails, and again when it does not; what is wrong."""
    lake.admit()
    lake.batch(0, {0: 5}, bad={1})
    file = written(folder / "a.csv", csv_lines(30, bad=[2]))
    with proxy.trouble(what, "PUT", path, ALWAYS):
        faults = unsaid(lake, f"import {file}", what)
    code, said = logpond(lake, "import", str(file))
    faults += [said] if code else []
    code, said = logpond(lake, "verify", "--format", "json")
    return [*faults, said] if code or json.loads(said)["records"] != 35 else faults


def test_a_full_bucket_is_said(lake: Lake, proxy: BucketProxy, tmp_path: Path) -> None:
    """A quota that is used up is not called wrong keys."""
    assert amiss(lake, proxy, tmp_path, "403", PLACES["a commit"]) == []


@pytest.mark.nightly
@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("what", SAYS)
def test_trouble_that_stays_is_said(
    lake: Lake, proxy: BucketProxy, tmp_path: Path, what: str, where: str
) -> None:
    """Refused for good, full, or connections that are always cut."""
    assert amiss(lake, proxy, tmp_path, what, PLACES[where]) == []


@pytest.mark.nightly
@pytest.mark.parametrize("what", SAYS)
def test_upkeep_says_it_too(lake: Lake, proxy: BucketProxy, tmp_path: Path, what: str) -> None:
    """It ends where a bucket fails; rows are as they were."""
    lake.admit()
    for batch in range(3):
        lake.batch(batch, {0: 5 * batch + 5})
    with proxy.trouble(what, "PUT", "logs/_delta_log", ALWAYS):
        assert unsaid(lake, "optimize logs", what) == []
