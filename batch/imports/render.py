"""What a person sees while files are imported: a bar on a terminal, and what became of each."""

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
COLUMNS = tuple(field.name for field in fields(FileResult))


class Bar(Protocol):
    """Hears which file is read, and how far."""

    def begins(self, file: Path) -> None:
        """Another file begins."""

    def seen(self, records: int, size: int) -> None:
        """So many records more were read, of so many bytes."""


class Silent:
    """For a program."""

    def begins(self, file: Path) -> None:
        """Another file begins."""

    def seen(self, records: int, size: int) -> None:
        """So many records more were read, of so many bytes."""


@contextmanager
def bar(is_shown: bool, files: int) -> Iterator[Bar]:
    """A bar on standard error, or none."""
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
    """What became of each file; for a person reasons are told below."""
    columns = COLUMNS[:-1] if how == "table" else COLUMNS
    return render.Rows.of_dicts([asdict(each) for each in results], columns)


def reasons(results: Sequence[FileResult]) -> Iterator[str]:
    """Why a file is not in, or what it equals."""
    for each in results:
        if each.reason:
            name = "" if each.file in each.reason else f"{each.file}: "
            yield render.escaped(f"{each.done}: {name}{each.reason}")


def total(results: Sequence[FileResult]) -> str:
    """All of it in one line."""
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
