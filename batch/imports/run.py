"""Imports files one after another; finishes interrupted imports first, counts windows last."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from batch.formats.assumed import words
from batch.formats.kind import sniff
from batch.imports.contents import State, sha256_of, state, unpacked_sha256_of
from batch.imports.decide import REPLACED, SAME, UNCHANGED, Decision, Known
from batch.imports.load import Loader
from batch.imports.reading import Overrides, assumed_service, reading
from lakehouse.errors import LogpondError
from lakehouse.event.textfile import Found, text_of
from lakehouse.ingest.raw_zone import Imported, ImportPlan
from lakehouse.storage import reach
from lakehouse.tables.rollups import MINUTES, WINDOWS
from lakehouse.windows.check import Checked
from lakehouse.windows.recount import mend, reconcile

FINISHED, REFUSED, FAILED, WOULD = "finished", "refused", "failed", "would be "
CHANGED = "it was imported otherwise: another content, or read in another way; --replace it"


@dataclass(frozen=True)
class FileResult:
    """The outcome of one file; `reason` is why it was refused or failed, or which file it equals.

    `logs` and `quarantine` count its rows in the tables; in a dry run, those it would have. `zone`
    is that of its times where they have none, and `service` that of its records where they name
    none.
    """

    file: str
    format: str = ""
    records: int = 0
    logs: int = 0
    quarantine: int = 0
    seconds: float = 0.0
    done: str = ""
    reason: str = ""
    zone: str = ""
    service: str = ""
    notes: tuple[str, ...] = ()

    @property
    def is_fault(self) -> bool:
        """Whether the lake does not have the file as it is now."""
        return self.done in (REFUSED, FAILED)


@dataclass(frozen=True)
class Wanted:
    """The flags of an import: how files are read; whether changed ones may be replaced.

    `again` loads every file anew; `dry_run` only reports what would be done.
    """

    overrides: Overrides = field(default_factory=Overrides)
    replace: bool = False
    again: bool = False
    dry_run: bool = False


@dataclass
class Run:
    """One import of several files; `begins` is called with each file before it is read."""

    loader: Loader
    wanted: Wanted
    begins: Callable[[Path], None] = lambda _file: None
    plans: list[ImportPlan] = field(default_factory=list)
    _seen_contents: dict[str, str] = field(default_factory=dict)
    _notes: list[str] = field(default_factory=list)
    _assumed: dict[str, Any] = field(default_factory=dict)

    def __call__(self, files: Sequence[Path]) -> Iterator[FileResult]:
        """Yields the outcome of each file as soon as it is known. A failure stops no other file."""
        zone = self.loader.zone
        if not self.wanted.dry_run:
            yield from self._left_over()
        known = Known(zone.manifests(), zone.paths(), self.loader.last)
        for file in files:
            self.begins(file)
            known_as = file if isinstance(file, Found) else file.resolve()
            yield self._one(Found(known_as.absolute()), known)

    def since(self) -> date | None:
        """Returns the earliest date of rows that were added or removed; None if none were."""
        touched = (each for plan in self.plans for each in (plan.what, *plan.replaces))
        return min((date.fromisoformat(day) for one in touched for day in one.dates), default=None)

    def windows(self, late: timedelta) -> Iterator[Checked]:
        """Counts again the windows of rows that were added or removed; yields each day's check."""
        since, places = self.since(), self.loader.places
        for rollup in WINDOWS if since else ():
            yield from reconcile(places, rollup, late, since)
        if any(plan.replaces for plan in self.plans):
            yield from mend(places, MINUTES, since)

    def forget(self) -> None:
        """Deletes the plans of this run: rows and windows are done, nothing is left to repeat."""
        for plan in self.plans:
            self.loader.zone.plans.forget(plan)

    def _left_over(self) -> Iterator[FileResult]:
        """Finishes interrupted imports, or undoes them where a planned file is gone."""
        for plan in self.loader.zone.plans.all():
            self.plans.append(plan)
            if self.loader.finish(plan):
                yield _counts(plan.what, plan.what.path, FINISHED)

    def _one(self, file: Path, known: Known) -> FileResult:
        began = time.monotonic()
        try:
            before = state(file)
            new = self._read(file, before)
            lacks = [name for name in ("zone", "service") if self._assumed[name]]
            decision = known.decide(new, self.wanted.again, lacks)
            result = self._take(file, before, known, decision)
        except (LogpondError, OSError) as error:
            if away := reach.fault(error, self.loader.places.lake):
                raise away from error  # no other file has a better chance
            what = error.what if isinstance(error, LogpondError) else f"{file}: {error}"
            result = FileResult(text_of(file), done=FAILED, reason=what)
        reason = "; ".join([result.reason, *self._notes, *self.loader.warnings]).strip("; ")
        seconds, assumed = round(time.monotonic() - began, 3), self._assumed
        self.loader.warnings, self._notes, self._assumed = [], [], {}
        return replace(result, seconds=seconds, reason=text_of(reason), **assumed)

    def _read(self, file: Path, before: State) -> Imported:
        """Returns the file as an import without counts: its hashes, size and format."""
        overrides = self.wanted.overrides
        kind = sniff(file, overrides.format)
        found, now = reading(file, kind, overrides), datetime.now(UTC)
        self._notes = [note for note in kind.notes if not overrides.mapping]
        service = assumed_service(kind, found)
        self._assumed = {
            "zone": found.zone if kind.lacks_zone else "",
            "service": service,
            "notes": (*words(kind, overrides.zone, service),),
        }
        own = sha256_of(file)
        return Imported(
            sha256=own,
            unpacked=unpacked_sha256_of(file) if kind.compressed else own,
            path=text_of(file),
            size=before.size,
            reading=found,
            taken=now,
            imported_at=now,
        )

    def _take(self, file: Path, before: State, known: Known, decision: Decision) -> FileResult:
        path, done = text_of(file), decision.done
        if done == REPLACED and not (self.wanted.replace or self.wanted.again):
            return FileResult(path, decision.what.reading.format, done=REFUSED, reason=CHANGED)
        if self.wanted.dry_run:
            return self._would(file, decision)
        reason = f"as {decision.of}" if decision.of not in ("", path) else ""
        if decision.load or done == REPLACED:
            plan = self._planned(file, before, decision)
            self.plans.append(plan)
            known.note(plan)
            return _counts(plan.what, path, done, reason)
        if done == SAME:
            self.loader.zone.claim(path, decision.what.sha256)
            known.paths[path] = decision.what.sha256
        return _counts(decision.what, path, done, reason)

    def _planned(self, file: Path, before: State, decision: Decision) -> ImportPlan:
        if decision.load:
            return self.loader.load(file, before, decision.what, decision.replaces)
        return self.loader.swap(decision.what, decision.replaces)

    def _would(self, file: Path, decision: Decision) -> FileResult:
        """Returns the outcome of a dry run; a second file of the same content says so."""
        path, what = text_of(file), decision.what
        first = self._seen_contents.setdefault(what.sha256, path)
        if decision.load and first != path:
            return _counts(what, path, WOULD + SAME, f"as {first}")
        if decision.load:
            logs, rejects = self.loader.count(file, what)
            records, rows = self.loader.records, logs + rejects
            what = msgspec.structs.replace(what, records=records, rejects=rejects, rows=rows)
        is_done = decision.done in (UNCHANGED, SAME) and not decision.load
        return _counts(what, path, decision.done if is_done else WOULD + decision.done)


def _counts(what: Imported, path: str, done: str, reason: str = "") -> FileResult:
    all_rows = what.records if what.rows is None else what.rows
    rows = (what.records, all_rows - what.rejects, what.rejects)
    return FileResult(path, what.reading.format, *rows, done=done, reason=reason)
