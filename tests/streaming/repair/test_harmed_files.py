"""A file of a checkpoint that is missing, empty, torn or older stops a start in words, at most.

Then `recover ingest` goes on, and each record is there once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.lakes import QUERY, TABLES, Lake

from lakehouse import store
from lakehouse.errors import LogpondError
from lakehouse.proof.verify import verify
from streaming.repair.recover import recover

pytestmark = pytest.mark.slow

FILES = ("metadata", "offsets/0", "offsets/1", "commits/0", "commits/1", "manifest.json")
HARM: dict[str, Callable[[Path, Path], object]] = {
    "missing": lambda file, _older: file.unlink(),
    "empty": lambda file, _older: file.write_bytes(b""),
    "torn": lambda file, _older: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "zeros": lambda file, _older: file.write_bytes(bytes(file.stat().st_size)),
    "older": lambda file, older: shutil.copy(older, file),
}
HARMED = [(name, harm) for name in FILES for harm in HARM if harm != "older" or "/1" in name]


def files(lake: Lake, name: str) -> tuple[Path, Path]:
    """A file of the checkpoint, and the one that was there before it."""
    root = lake.places.ledger(QUERY) if name == "manifest.json" else lake.places.checkpoint(QUERY)
    return Path(root, name), Path(root, name.replace("/1", "/0"))


def starts_or_says_why(lake: Lake) -> bool:
    """Whether a start goes on, or is refused in words that name a remedy."""
    try:
        lake.admit()
    except LogpondError as refused:
        return bool(refused.remedy)
    return True


@pytest.mark.parametrize(("name", "harm"), HARMED)
def test_a_harmed_file_costs_no_record(running: Lake, name: str, harm: str) -> None:
    """The start is refused or goes on; after `recover` the next batch follows the last one."""
    HARM[harm](*files(running, name))
    assert starts_or_says_why(running)
    writers = {table.name: store.Writer(running.places, table) for table in TABLES}
    recover(
        running.places, QUERY, [running.topic], {running.topic.name: {0: 0}}, writers, TABLES, 1
    )
    running.admit()
    running.batch(0, {0: 12}, bad={10})

    verdict = verify(running.places)
    assert (verdict.ok, verdict.records) == (True, 12), verdict
    assert running.held() == [(0, offset) for offset in range(12)]


@pytest.mark.parametrize("harm", [harm for harm in HARM if harm != "older"])
def test_a_harmed_plan_costs_no_record(lake: Lake, harm: str) -> None:
    """Killed once the plan stood, and the plan is not what it was."""
    lake.admit()
    lake.batch(0, {0: 5}, bad={1})
    plan = lake.batch(1, {0: 9}, bad={6}, crash="planned")
    file = Path(lake.places.plans(QUERY), plan.name)
    HARM[harm](file, file.with_name("0.0.json"))
    assert starts_or_says_why(lake)
    writers = {table.name: store.Writer(lake.places, table) for table in TABLES}
    first = {lake.topic.name: {0: 0}}
    done = recover(lake.places, QUERY, [lake.topic], first, writers, TABLES, 1)
    lake.admit()
    lake.batch(0, {0: 12}, bad={6, 10} if done.start == {"web-logs": {0: 5}} else {10})

    verdict = verify(lake.places)
    assert (verdict.ok, verdict.records) == (True, 12), verdict
    assert lake.held() == [(0, offset) for offset in range(12)]
