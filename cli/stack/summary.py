"""What `logpond up` says at its end, and its exit code."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cli.stack.stack import Outcome
from cli.stack.status import Status

if TYPE_CHECKING:
    from lakehouse.proof.verify import Verdict

FAULT, INTERRUPTED = 1, 130


def exit_code(outcome: Outcome) -> int:
    """0 if what was sent is proven to be there, or nothing was sent at all."""
    if outcome.verdict and not outcome.verdict.ok:
        return FAULT
    return INTERRUPTED if outcome.hurried else 0


def lines(outcome: Outcome, status: Status) -> Iterator[str]:
    """The summary, a fact a line."""
    yield (
        f"sent      {status.acked:,} acked, {status.failed:,} refused, {status.unsent:,} unsent"
        f" in {status.elapsed}"
    )
    if kept := outcome.totals.get("kept"):
        yield f"          the unsent ones are kept in {kept}; the next start sends them"
    if outcome.left:
        yield f"waiting   {outcome.left:,} records are in Kafka; the next start takes them"
    yield from _proof(outcome.verdict) if outcome.verdict else _unproven(outcome)
    yield from _what_next(status.lake)


def _proof(verdict: Verdict) -> Iterator[str]:
    yield f"in lake   {verdict.logs:,} rows in logs, {verdict.quarantine:,} in open quarantine"
    faults = {
        "gaps": verdict.gaps,
        "duplicates": verdict.duplicates,
        "unexpected": verdict.unexpected,
        "misplaced": verdict.misplaced,
    }
    figures = ", ".join(f"{count:,} {name}" for name, count in faults.items())
    yield f"verify    {'ok' if verdict.ok else 'FAILED'}: {verdict.records:,} records, {figures}"
    yield (
        f"windows   {verdict.windows_checked:,} recounted: {verdict.windows_wrong:,} wrong, "
        f"{verdict.late_rows:,} rows came too late for {verdict.windows_late:,}"
    )
    if not verdict.ok:
        yield "          `logpond verify` shows where"


def _unproven(outcome: Outcome) -> Iterator[str]:
    yield (
        "verify    not run: stopped early" if outcome.hurried else "verify    nothing to prove yet"
    )


def _what_next(lake: str) -> Iterator[str]:
    logpond = "logpond" if shutil.which("logpond") else ".venv/bin/logpond"
    where = "" if lake == str(Path("lake").absolute()) else f" --lake {lake}"
    sql = "SELECT service, COUNT(*) AS requests FROM logs GROUP BY service"
    yield f'next      {logpond} sql "{sql}"{where}'
    yield f"          {logpond} history logs{where}"
