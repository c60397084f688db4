"""Watch time per user and region: each file cleaned by a process of its own, then one sum."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batch.formats.paths import expand
from batch.jobs import folders
from batch.jobs.performance import Performance
from batch.jobs.watch_time import insights, regions, totals
from batch.jobs.watch_time.options import Options
from batch.jobs.watch_time.pool import Failure, Pool, Result
from batch.jobs.watch_time.workspace import Input, Note, recipe
from lakehouse.errors import LogpondError, SettingsError
from lakehouse.store.lock import alone

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SUFFIXES = (".csv", ".csv.gz")
CLEAN, ADD_UP, DRAW = "1 clean", "2 add up", "draw"
PARTS = (totals.TOTALS, insights.INSIGHTS)
OnResult = Callable[[Result], None]
Start = Callable[[], "SparkSession"]


@dataclass
class Plan:
    """What is there: files whose notes hold, and files that are still to be cleaned."""

    recipe: str
    done: list[Note] = field(default_factory=list)
    to_do: list[Input] = field(default_factory=list)


@dataclass
class Report:
    """What was done: the notes of all files that are in the totals, and the files that failed."""

    notes: list[Note]
    failures: list[Failure]
    cleaned: int
    added_up: bool
    regions: list[totals.Region]
    performance: Performance

    def counts(self) -> dict[str, Any]:
        """Rows, and where each went: rows = views + both kinds of duplicates + rejects."""
        views = sum(region.views for region in self.regions)
        rejects: Counter[str] = Counter()
        for note in self.notes:
            rejects.update(note.rejects)
        return {
            "rows": sum(note.rows for note in self.notes),
            "views": views,
            "duplicates_in_files": sum(note.duplicates for note in self.notes),
            "duplicates_across_files": sum(region.copies for region in self.regions) - views,
            "rejects": dict(sorted(rejects.items())),
        }


def run(options: Options, start: Start, on_result: OnResult) -> Report:
    """Clean what is not clean yet, add up if anything is new, and check that all counts agree.

    `on_result` gets each file as it is done. A file that fails is in the report, the others count.
    """
    performance, files = Performance(), inputs(options)
    folders.writable(options.output, PARTS)
    with _alone(options):
        options.work.tidy()
        found = plan(options, files)
        results = _clean(options, found, performance, on_result)
        cleaned = [one for one in results if isinstance(one, Note)]
        notes = sorted([*found.done, *cleaned], key=lambda note: note.file)
        added_up = _add_up(options, notes, performance, start)
        summed = totals.by_region(options.output) if notes else []
    failures = sorted(one for one in results if isinstance(one, Failure))
    return checked(Report(notes, failures, len(cleaned), added_up, summed, performance))


def inputs(options: Options) -> list[Path]:
    """The files that there are; SettingsError where there is none."""
    files = [file for file in expand([options.source]) if file.name.endswith(SUFFIXES)]
    if not files:
        raise SettingsError(f"{options.source} holds no {' and no '.join(SUFFIXES)} file")
    return files


def plan(options: Options, files: list[Path]) -> Plan:
    """Which of the files are done; SettingsError where the table of regions is none."""
    regions.check(options.regions)
    found = Plan(recipe(options.regions))
    for one in (Input.of(file, options.source) for file in files):
        note = options.work.note(one, found.recipe)
        found.done.append(note) if note else found.to_do.append(one)
    return found


def checked(report: Report) -> Report:
    """The report; LogpondError unless files, Spark and what was read back count the same rows."""
    counts = report.counts()
    cleaned = sum(note.views for note in report.notes)
    summed = sum(region.copies for region in report.regions)
    parts = [n for name, n in counts.items() if name not in ("rows", "rejects")]
    if cleaned != summed or counts["rows"] != sum(parts) + sum(counts["rejects"].values()):
        raise LogpondError(f"rows are not accounted for: {cleaned} cleaned, {summed} added up")
    return report


@contextmanager
def _alone(options: Options) -> Iterator[None]:
    """No other run writes to the output or the work folder meanwhile."""
    with ExitStack() as locks:
        for folder in sorted({options.output, options.work.root}):
            locks.enter_context(alone(str(folder), "watch-time"))
        yield


def _clean(
    options: Options, found: Plan, performance: Performance, on_result: OnResult
) -> list[Result]:
    results: list[Result] = []
    with performance.phase(CLEAN) as phase:
        for result in Pool(options, found.recipe).run(found.to_do):
            on_result(result)
            results.append(result)
        cleaned = [one for one in results if isinstance(one, Note)]
        phase.rows = sum(note.rows for note in cleaned)
        phase.bytes = sum(note.size for note in cleaned)
    return results


def _add_up(options: Options, notes: list[Note], performance: Performance, start: Start) -> bool:
    """Add up, unless the totals are of these very files already."""
    made_of, root = _fingerprint(notes), options.output
    if not notes or totals.made_of(root) == made_of:
        return False
    with performance.phase("start Spark"):
        spark = start()
    files = [options.work.views(note) for note in notes]
    with folders.replaced(root, PARTS, "watch-time") as draft:
        with performance.phase(ADD_UP) as phase:
            summary = {"made_of": made_of, "files": len(notes)}
            given = [options.exchange.given(file) for file in files]
            totals.write(totals.add_up(spark, given), draft, summary, options.exchange)
            phase.rows, phase.bytes = sum(note.views for note in notes), _size(files)
        with performance.phase(DRAW):
            insights.draw(draft, notes)
    return True


def _size(files: list[Path]) -> int:
    return sum(file.stat().st_size for file in files)


def _fingerprint(notes: list[Note]) -> str:
    facts = sorted((note.file, note.size, note.mtime_ns, note.recipe) for note in notes)
    return hashlib.sha256(repr(facts).encode()).hexdigest()
