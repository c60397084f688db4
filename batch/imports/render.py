"""Renders an import: a progress bar on a terminal, and the outcome of each file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Protocol

from batch.imports.run import FileResult
from lakehouse.event.textfile import is_gzip
from lakehouse.terminal import render

COUNTS = ("records", "logs", "quarantine")
HUMANE = dict.fromkeys(COUNTS, "{:,}".format)
# What is said below the table for people.
BELOW = ("reason", "zone", "service")
COLUMNS = tuple(field.name for field in fields(FileResult) if field.name != "notes")


class Bar(Protocol):
    """Shows the progress of an import; it is called as files are read."""

    def begins(self, file: Path) -> None:
        """Called before a file is read."""

    def seen(self, records: int, size: int) -> None:
        """Called with how many records and bytes were read since the last call."""


class Silent:
    """Shows no progress, where a program reads the output."""

    def begins(self, file: Path) -> None: ...

    def seen(self, records: int, size: int) -> None: ...


@contextmanager
def bar(is_shown: bool, files: int) -> Iterator[Bar]:
    """A progress bar on standard error; it shows nothing unless `is_shown`."""
    if not is_shown:
        yield Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    words = TextColumn("{task.description}", markup=False)
    rate = TextColumn("{task.fields[records]:,} records  {task.fields[rate]:,.0f}/s")
    console = Console(stderr=True)
    with Progress(
        words, BarColumn(), rate, TimeElapsedColumn(), console=console, transient=True
    ) as progress:
        yield _ProgressBar(progress, files)


class _ProgressBar:
    def __init__(self, progress: object, files: int) -> None:
        from rich.progress import Progress

        assert isinstance(progress, Progress)
        self._progress, self._files, self._number = progress, files, 0
        self._task = progress.add_task("", total=None, records=0, rate=0.0)

    def begins(self, file: Path) -> None:
        self._number += 1
        name = render.escaped(file.name)
        total = None if is_gzip(file) else file.stat().st_size
        self._progress.reset(
            self._task,
            total=total,
            records=0,
            rate=0.0,
            description=f"{self._number} of {self._files}: {name}",
        )

    def seen(self, records: int, size: int) -> None:
        task = self._progress.tasks[0]
        records += task.fields["records"]
        rate = records / max(task.elapsed or 0, 0.1)
        self._progress.update(self._task, advance=size, records=records, rate=rate)


def rows(results: Sequence[FileResult], how: str) -> render.Rows:
    """Returns the outcome of each file as a row; `reasons` follow below a table for people."""
    columns = [name for name in COLUMNS if how != "table" or name not in BELOW]
    return render.Rows.of_dicts([asdict(each) for each in results], columns)


def reasons(results: Sequence[FileResult]) -> Iterator[str]:
    """Yields why a file was not imported, or which file it equals; and what was assumed of it."""
    for each in results:
        yield from (render.escaped(f"{each.file}: {note}") for note in each.notes)
        if each.reason:
            name = "" if each.file in each.reason else f"{each.file}: "
            yield render.escaped(f"{each.done}: {name}{each.reason}")


def total(results: Sequence[FileResult]) -> str:
    """Returns a summary of all files in one line."""
    new = [each for each in results if each.done in ("imported", "replaced", "finished")]
    if not new:
        return f"nothing new in {len(results):,} files"
    records, seconds = sum(each.records for each in new), sum(each.seconds for each in new)
    return (
        f"{len(new):,} of {len(results):,} files, {records:,} records: "
        f"{sum(each.logs for each in new):,} to logs, "
        f"{sum(each.quarantine for each in new):,} to quarantine; "
        f"{records / max(seconds, 0.001):,.0f} records/s"
    )
