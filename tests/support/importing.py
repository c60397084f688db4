"""Builders: log files, and imports of them into a lake, windows too."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from support.lakes import Lake
from support.records import LIMITS

from batch.imports.load import Loader
from batch.imports.reading import Overrides
from batch.imports.run import FileResult, Run, Wanted
from lakehouse import store
from lakehouse.duck import connect, create_view
from lakehouse.tables.catalog import LOGS, QUARANTINE
from lakehouse.tables.rollups import WATERMARK

HEADER = "timestamp,service,endpoint,status_code,ip,response_time"
FIRST = datetime(2026, 4, 29, 22, 10, tzinfo=UTC)
BAD = "oops,shop,/a,200"


def csv_lines(rows: int, bad: Sequence[int] = (), service: str = "shop") -> list[str]:
    """A header, and a row each 6 minutes; those in `bad` have no time."""
    times = [FIRST + timedelta(minutes=6 * n) for n in range(rows)]
    good = [
        f"{t.isoformat()},{service},/api/{n % 3},200,192.0.2.{n % 5},{n}.5"
        for n, t in enumerate(times)
    ]
    return [HEADER, *(BAD if n in bad else line for n, line in enumerate(good))]


def written(file: Path, lines: Sequence[str], end: str = "\n") -> Path:
    """A file of these lines, gzip where its name says so."""
    text = "".join(line + end for line in lines).encode()
    file.write_bytes(gzip.compress(text, mtime=0) if file.suffix == ".gz" else text)
    return file


@dataclass
class Imports:
    """Imports into one lake; `steps` are all that the last one came past."""

    lake: Lake
    steps: list[str] = field(default_factory=list)

    def run(
        self,
        *files: Path,
        overrides: Overrides | None = None,
        windows: bool = False,
        **wanted: bool,
    ) -> list[FileResult]:
        """Import files as the command does, with `windows` too; what became of each."""
        self.steps = []
        keeps = wanted.pop("keeps_copies", True)
        loader = Loader(self.lake.places, LIMITS, keeps, reached=self.steps.append)
        run = Run(loader, Wanted(overrides or Overrides(), **wanted))
        if not wanted.get("dry_run"):
            loader.open()
        found = [*run(files)]
        for _ in run.windows(WATERMARK) if windows else ():
            self.steps.append("window")
        run.forget()
        return found

    def done(self, *files: Path, **wanted: Any) -> list[str]:
        """In a word what became of each."""
        return [outcome.done for outcome in self.run(*files, **wanted)]

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """The answer of both tables as they are."""
        with connect() as connection:
            for table in (LOGS, QUARANTINE):
                at = store.open_table(self.lake.places, table)
                create_view(connection, table.name, self.lake.places.table(table), at)
            return connection.sql(sql).fetchall()

    def versions(self) -> list[int]:
        """The newest version of each table."""
        return [store.open_table(self.lake.places, t).version() for t in (LOGS, QUARANTINE)]


def ndjson(*objects: Any) -> list[str]:
    """A line each."""
    return [json.dumps(one) for one in objects]
