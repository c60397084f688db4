"""What `verify` says: figures, by partition and by file, and what they rest on."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from lakehouse.proof.files import FileVerdict
from lakehouse.proof.foreign import ForeignCommit
from lakehouse.windows.check import WindowFault


@dataclass(frozen=True)
class PartitionVerdict:
    """One partition of a topic: records [first, end) must be found."""

    topic: str
    partition: int
    first: int
    end: int
    logs: int
    quarantine: int
    gaps: int
    duplicates: int
    in_flight: int
    invisible: int
    retained: int
    erased: int
    lost: int

    @property
    def records(self) -> int:
        """How many records there are or were, with those that are lost."""
        return self.end - self.first - self.invisible - self.retained - self.erased


@dataclass(frozen=True)
class Basis:
    """What a verdict rests on: a proof and what was looked at since, or a recount of everything.

    `why` says why everything was counted. The proof it builds on has a `number` and is of a time,
    `at`; `rows_before` and `files_before` are what that one has, and nobody read again. `rows`,
    `files` and `windows` were looked at now, `hashed` files were read from end to end. `noted` is
    the number of the proof that this run has left; where it left none, `not_noted` says why.
    """

    is_full: bool
    why: str = ""
    number: int | None = None
    at: str = ""
    rows_before: int = 0
    files_before: int = 0
    rows: int = 0
    files: int = 0
    hashed: int = 0
    windows: int = 0
    noted: int | None = None
    not_noted: str = ""


@dataclass(frozen=True)
class Verdict:
    """Whether the tables keep the promise, with the figures that this rests on."""

    ok: bool
    records: int
    logs: int
    quarantine: int
    gaps: int
    duplicates: int
    unexpected: int
    misplaced: int
    in_flight: int
    duplicate_event_ids: int
    windows_checked: int
    windows_wrong: int
    windows_late: int
    late_rows: int
    invisible: int
    retained: int
    erased: int
    lost: int
    versions: dict[str, int]
    partitions: list[PartitionVerdict] = field(default_factory=list)
    files: list[FileVerdict] = field(default_factory=list)
    losses: list[dict[str, Any]] = field(default_factory=list)
    retained_by: dict[str, int] = field(default_factory=dict)
    examples_of_gaps: list[dict[str, Any]] = field(default_factory=list)
    examples_of_windows: list[WindowFault] = field(default_factory=list)
    foreign_commits: list[ForeignCommit] = field(default_factory=list)
    ledger_faults: list[str] = field(default_factory=list)
    ledger_lost: list[str] = field(default_factory=list)
    proof: Basis = field(default=Basis(is_full=True), compare=False)

    def as_dict(self) -> dict[str, Any]:
        """Returns the verdict as JSON can hold it."""
        return asdict(self)
