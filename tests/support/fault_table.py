"""What faults cost, a row a run; `python -m support.fault_table FILE` makes docs/faults.md of it.

Rows are written where FAULTS_TABLE names a file.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

HEAD = """\
# What faults cost

Made by `make test-faults`; each fault is followed by a count of our own and by `verify`.
{machine}, commit {commit}, {date}.

## Brought on a pipeline at work

A producer, a broker and a stream run on; the trouble lasts, ends, and the stream is started again
where it ended. *Seconds to recover*: from the end of the trouble until all that had been sent by
then was in the tables, a new start of the program included; the longest of all runs.

| fault | how | lasts, s | runs | lost | repeated | seconds to recover |
|---|---|---|---|---|---|---|
"""
POINTS = """
## At points that were chosen

Tests whose assertions count what is lost and repeated themselves, each followed by `verify`.

| test | cases | lost | repeated |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Row:
    """One run of a fault, or, with no cause, a test that passed."""

    name: str
    cause: str
    lasts: float
    lost: int
    repeated: int
    seconds: float

    @classmethod
    def of(cls, fault: Any, wrong: Sequence[str], seconds: float) -> Row:
        """What a fault of the table cost."""
        lost, repeated = (sum(w.startswith(k) for w in wrong) for k in ("missing", "repeated"))
        return cls(fault.name, fault.cause, fault.seconds, lost, repeated, seconds)


def record(row: Row) -> None:
    """Write it down, where somebody asked for a table."""
    if place := os.environ.get("FAULTS_TABLE"):
        with Path(place).open("a") as table:
            table.write(json.dumps(asdict(row)) + "\n")


def render(rows: Iterable[Row]) -> str:
    """The document."""
    runs = [[*each] for _, each in groupby(sorted(rows, key=_order), key=_order)]
    head = HEAD.format(machine=_machine(), commit=_commit(), date=f"{datetime.now(UTC):%Y-%m-%d}")
    faults = "".join(_fault(each) for each in runs if each[0].cause)
    points = "".join(_point(each) for each in runs if not each[0].cause)
    return head + faults + POINTS + points


def _fault(runs: Sequence[Row]) -> str:
    one, slowest = runs[0], max(run.seconds for run in runs)
    sums = f"{len(runs)} | {sum(r.lost for r in runs)} | {sum(r.repeated for r in runs)}"
    return f"| {one.name} | {one.cause} | {one.lasts:g} | {sums} | {slowest:.1f} |\n"


def _point(runs: Sequence[Row]) -> str:
    sums = f"{len(runs)} | {sum(r.lost for r in runs)} | {sum(r.repeated for r in runs)}"
    return f"| {runs[0].name} | {sums} |\n"


def _order(row: Row) -> tuple[str, str]:
    return row.name, row.cause


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    facts = f"{os.cpu_count()} cores, {memory:.0f} GB, Python {platform.python_version()}"
    return f"{facts}, load {os.getloadavg()[2]:.0f}"


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() or "?"


if __name__ == "__main__":
    lines = Path(sys.argv[1]).read_text().splitlines()
    print(render(Row(**json.loads(line)) for line in lines), end="")
