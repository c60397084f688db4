"""Files into the lake, one after another: what was left over first, windows at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from batch.formats.kind import sniff
from batch.imports.contents import State, sha256_of, state, unpacked_sha256_of
from batch.imports.decide import REPLACED, SAME, UNCHANGED, Decision, Known
from batch.imports.load import Loader
from batch.imports.reading import Overrides, reading
from lakehouse.errors import LogpondError
from lakehouse.event.textfile import Found
from lakehouse.ingest.raw_zone import Imported, ImportPlan
from lakehouse.tables.rollups import MINUTES, WINDOWS
from lakehouse.windows.check import Checked
from lakehouse.windows.recount import mend, reconcile

FINISHED, REFUSED, FAILED, WOULD = "finished", "refused", "failed", "would be "
CHANGED = "it was imported otherwise: another content, or read in another way; --replace it"


@dataclass(frozen=True)
class FileResult:
    """What became of one file; `reason` is why it was refused or failed, or what it equals.

    `logs` and `quarantine` are the rows that it has in the tables, or would have.
    """

    file: str
    format: str = ""
    records: int = 0
    logs: int = 0
    quarantine: int = 0
    seconds: float = 0.0
    done: str = ""
    reason: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether it is not in as it is."""
        return self.done in (REFUSED, FAILED)


@dataclass(frozen=True)
class Wanted:
    """What a person wants: how files are read, what may be replaced, or only to be told."""

    overrides: Overrides = field(default_factory=Overrides)
    replace: bool = False
    again: bool = False
    dry_run: bool = False


@dataclass
class Run:
    """One import of several files; `begins` hears each file before it is read."""

    loader: Loader
    wanted: Wanted
    begins: Callable[[Path], None] = lambda _file: None
    plans: list[ImportPlan] = field(default_factory=list)
    _seen_contents: dict[str, str] = field(default_factory=dict)

    def __call__(self, files: Sequence[Path]) -> Iterator[FileResult]:
        """Each outcome as soon as it is known; a file that fails leaves the others alone."""
        zone = self.loader.zone
        if not self.wanted.dry_run:
            yield from self._left_over()
        known = Known(zone.manifests(), zone.paths(), self.loader.last)
        for file in files:
            self.begins(file)
            known_as = file if isinstance(file, Found) else file.resolve()
            yield self._one(Found(known_as.absolute()), known)

    def since(self) -> date | None:
        """The earliest date that rows came to or went from; None where none did."""
        touched = (each for plan in self.plans for each in (plan.what, *plan.replaces))
        return min((date.fromisoformat(day) for one in touched for day in one.dates), default=None)

    def windows(self, late: timedelta) -> Iterator[Checked]:
        """Count the windows again that rows came to or went from; each day once it is done."""
        since, places = self.since(), self.loader.places
        for rollup in WINDOWS if since else ():
            yield from reconcile(places, rollup, late, since)
        if any(plan.replaces for plan in self.plans):
            yield from mend(places, MINUTES, since)

    def forget(self) -> None:
        """All is done, windows too."""
        for plan in self.plans:
            self.loader.zone.plans.forget(plan)

    def _left_over(self) -> Iterator[FileResult]:
        """Imports that were cut off: finished, or taken back where a planned file is gone."""
        for plan in self.loader.zone.plans.all():
            self.plans.append(plan)
            if self.loader.finish(plan):
                yield _counts(plan.what, plan.what.path, FINISHED)

    def _one(self, file: Path, known: Known) -> FileResult:
        began = time.monotonic()
        try:
            before = state(file)
            decision = known.decide(self._read(file, before), self.wanted.again)
            result = self._take(file, before, known, decision)
        except (LogpondError, OSError) as error:
            what = error.what if isinstance(error, LogpondError) else f"{file}: {error}"
            result = FileResult(str(file), done=FAILED, reason=what)
        return replace(result, seconds=round(time.monotonic() - began, 3))

    def _read(self, file: Path, before: State) -> Imported:
        """The file as it is now."""
        found, now = reading(file, sniff(file), self.wanted.overrides), datetime.now(UTC)
        own = sha256_of(file)
        return Imported(
            sha256=own,
            unpacked=unpacked_sha256_of(file) if found.compressed else own,
            path=str(file),
            size=before.size,
            reading=found,
            taken=now,
            imported_at=now,
        )

    def _take(self, file: Path, before: State, known: Known, decision: Decision) -> FileResult:
        path, done = str(file), decision.done
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
        """What would become of it; of the same content twice the second is told as that."""
        path, what = str(file), decision.what
        first = self._seen_contents.setdefault(what.sha256, path)
        if decision.load and first != path:
            return _counts(what, path, WOULD + SAME, f"as {first}")
        if decision.load:
            logs, rejects = self.loader.count(file, what)
            what = msgspec.structs.replace(what, records=logs + rejects, rejects=rejects)
        is_done = decision.done in (UNCHANGED, SAME) and not decision.load
        return _counts(what, path, decision.done if is_done else WOULD + decision.done)


def _counts(what: Imported, path: str, done: str, reason: str = "") -> FileResult:
    rows = (what.records, what.records - what.rejects, what.rejects)
    return FileResult(path, what.reading.format, *rows, done=done, reason=reason)
