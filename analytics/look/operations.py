"""What a commit did, in words: `ingest batch 41`, `import access.log`, `late rows counted again`.

It is said by what the commit notes itself: our note, or the operation and the counts of its engine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import msgspec

from lakehouse.ingest.queries import REPLAY
from lakehouse.ingest.raw_zone import RawZone
from lakehouse.past.entry import Entry
from lakehouse.paths import Places
from lakehouse.proof.foreign import ENGINE
from lakehouse.tables.rollups import MINUTES

INGEST = re.compile(r"[^/]+/(?:logs|quarantine)(?:/\d+)?")
IMPORT = re.compile(r"import/([0-9a-f]{64})/\w+")
BEFORE = re.compile(r"date < '(\d{4}-\d{2}-\d{2})'")
# What our writers call themselves in the note of a commit.
NOTED = {
    "windows": "windows closed",
    "reconcile": "late rows counted again",
    "rebuild": "emptied, to be counted again",
    "anomaly": "incidents written",
}
OF_MINUTES = {**NOTED, "windows": "minutes closed"}
OTHERS = {
    "CREATE TABLE": "table made",
    "ADD COLUMN": "columns added",
    "SET TBLPROPERTIES": "properties set",
}
KEPT, IMPORTED = 1000, "import/"


@dataclass
class Operations:
    """Says what commits of one lake did; the names of imported files are remembered."""

    places: Places
    _files: dict[str, str] = field(default_factory=dict)

    def of(self, table: str, info: Mapping[str, Any]) -> str:
        """Returns what a commit did, by its commitInfo; empty where that was cleaned up."""
        if not info:
            return ""
        note = note_of(info)
        writer, batch = str(note.get("writer") or ""), note.get("batch")
        if found := IMPORT.fullmatch(writer):
            done = "import: removed" if isinstance(batch, int) and batch % 2 else "import"
            return f"{done} {self._file(found[1])}"
        if INGEST.fullmatch(writer):
            return f"ingest batch {batch}"
        if writer == REPLAY.name:
            return f"quarantine replayed, batch {batch}"
        if writer.startswith("retain "):
            return _retained(writer, str(note.get("rule") or ""), info)
        known = OF_MINUTES if table == MINUTES.name else NOTED
        return known.get(writer) or writer or _of_engine(info)

    def noted(self, one: Entry) -> str:
        """Returns what a commit did of which only the ledger is left, by whose rows it brought."""
        if one.writer.startswith(IMPORTED):
            done = "import: removed" if one.change else "import"
            return f"{done} {self._file(one.writer.removeprefix(IMPORTED))}"
        if one.writer == REPLAY.name:
            return f"quarantine replayed, batch {one.batch}"
        if one.writer and one.batch is not None:
            return f"ingest batch {one.batch}"
        rows = f"rows {one.change}" if one.change else one.operation.lower()
        return OTHERS.get(one.operation, rows)

    def _file(self, sha256: str) -> str:
        """Returns the name of an imported file, without its folders."""
        if sha256 not in self._files:
            if len(self._files) >= KEPT:
                self._files.clear()
            known = RawZone(self.places).manifest(sha256)
            self._files[sha256] = PurePath(known.path).name if known else f"file {sha256[:12]}"
        return self._files[sha256]


def note_of(info: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what `store` noted with a commit; empty where others wrote there, or nobody."""
    try:
        note = msgspec.json.decode(info.get("logpond") or "{}")
    except (msgspec.DecodeError, TypeError):
        return {}
    return note if isinstance(note, dict) else {}


def _retained(writer: str, rule: str, info: Mapping[str, Any]) -> str:
    """Says up to which date rows were deleted, by the condition that the engine noted."""
    found = BEFORE.search(str(_part(info, "operationParameters").get("predicate", "")))
    kept, of = f"retention ({writer.removeprefix('retain ')})", f" of {rule}" if rule else ""
    return f"{kept}: rows{of} before {found[1]} deleted" if found else f"{kept}: rows{of} deleted"


def _of_engine(info: Mapping[str, Any]) -> str:
    """Says what a commit without a note did: upkeep of ours, or other software."""
    operation, metrics = str(info.get("operation") or "unknown"), _part(info, "operationMetrics")
    engine = str(info.get("engineInfo") or "")
    if not engine.startswith(ENGINE):
        return f"other software: {operation.lower()} ({engine.split(' ')[0][:40] or 'unknown'})"
    if operation == "OPTIMIZE":
        return _rewritten(metrics)
    if operation == "VACUUM START":
        return f"upkeep: {_files(metrics.get('numFilesToDelete'))} to be deleted"
    if operation == "VACUUM END":
        return f"upkeep: deleted {_files(metrics.get('numDeletedFiles'))}"
    if operation == "RESTORE":
        return f"restored to version {_part(info, 'operationParameters').get('version', '?')}"
    return OTHERS.get(operation, operation.lower())


def _rewritten(metrics: Mapping[str, Any]) -> str:
    before, after = metrics.get("numFilesRemoved"), metrics.get("numFilesAdded")
    if not (isinstance(before, int) and isinstance(after, int)):
        return "upkeep: files rewritten"
    if before > after:
        return f"upkeep: compacted {_files(before)} into {after:,}"
    return f"upkeep: put the rows of {_files(before)} in order"


def _files(count: Any) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}" if isinstance(count, int) else "files"


def _part(info: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = info.get(name)
    return found if isinstance(found, Mapping) else {}
