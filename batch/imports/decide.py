"""Decides what an import of a file has to do, by what the lake has of its path and content."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

import msgspec

from batch.formats.assumed import UTC
from lakehouse.formats.messages import BEFORE
from lakehouse.formats.reading import IS_FORMER, Reading
from lakehouse.ingest.raw_zone import Imported, ImportPlan
from lakehouse.tables.catalog import LOGS, QUARANTINE

IMPORTED, REPLACED, UNCHANGED, SAME = "imported", "replaced", "unchanged", "same content"


@dataclass(frozen=True)
class Decision:
    """What to do with a file, and the outcome to report (`done`).

    The rows of `replaces` are removed first, then those of `what` are added if `load` is true. `of`
    is the path by which the same content was imported before, or empty.
    """

    done: str
    what: Imported
    load: bool = False
    replaces: list[Imported] = field(default_factory=list)
    of: str = ""


@dataclass
class Known:
    """What the lake has: `manifests` by SHA-256, and for each of `paths` the SHA-256.

    `last` asks a table: it gives the newest transaction of an application, or None.
    """

    manifests: dict[str, Imported]
    paths: dict[str, str]
    last: Callable[[str, str], int | None]

    def __post_init__(self) -> None:
        self._unpacked = {each.unpacked: each.sha256 for each in self.manifests.values()}

    def note(self, plan: ImportPlan) -> None:
        """Notes that a plan was carried out."""
        for old in plan.replaces:
            self.manifests[old.sha256] = msgspec.structs.replace(old, batch=old.batch + 1)
        self.manifests[plan.what.sha256] = plan.what
        self._unpacked[plan.what.unpacked] = plan.what.sha256
        self.paths[plan.what.path] = plan.what.sha256

    def decide(self, new: Imported, again: bool, lacks: Collection[str] = ()) -> Decision:
        """Decides on a file as it is now (`new`, without counts). `again` loads it in any case.

        `lacks` is what its records do not say (`zone`, `service`), so that it matters what they
        are given.
        """
        there = self._there(new.sha256) or self._there(self._unpacked.get(new.unpacked, ""))
        before = self._before(new, there or new)
        gone = [before] if before and not self._has_others(before, new.path) else []
        if there and _is_read_alike(there, new, lacks) and not again:
            if before:
                what = msgspec.structs.replace(there, path=new.path)
                return Decision(REPLACED, what, replaces=gone, of=there.path)
            is_known = self.paths.get(new.path) == there.sha256
            return Decision(UNCHANGED if is_known else SAME, there, of=there.path)
        gone += [there] if there and there.sha256 != new.sha256 else []
        return self._anew(new, gone, is_other=bool(before or there))

    def _anew(self, new: Imported, gone: list[Imported], is_other: bool) -> Decision:
        """Loads the file, after rows of it that an earlier import left are removed."""
        last, known = self._last(new.sha256), self.manifests.get(new.sha256, new)
        what = msgspec.structs.replace(new, batch=_next(last), taken=known.taken)
        if last is not None and last % 2 == 0:
            gone = [*gone, msgspec.structs.replace(known, batch=last)]
        return Decision(REPLACED if is_other else IMPORTED, what, True, gone)

    def _there(self, sha256: str) -> Imported | None:
        """Returns the import of a content whose rows are in the tables; else None."""
        found = self.manifests.get(sha256)
        return found if found and found.is_in and self._has(found) else None

    def _before(self, new: Imported, now: Imported) -> Imported | None:
        """Returns the earlier content of a path if it is not `now` and is in the tables."""
        sha256 = self.paths.get(new.path, now.sha256)
        return None if sha256 == now.sha256 else self._there(sha256)

    def _has_others(self, what: Imported, path: str) -> bool:
        """Whether a content was also imported by another path; then it must stay."""
        return any(has == what.sha256 and at != path for at, has in self.paths.items())

    def _has(self, what: Imported) -> bool:
        return all(self.last(name, what.key(name).app) == what.batch for name in what.tables)

    def _last(self, sha256: str) -> int | None:
        """Returns the newest transaction of a content in either table; None if there is none."""
        found = [self.last(t.name, f"import/{sha256}/{t.name}") for t in (QUARANTINE, LOGS)]
        return max((version for version in found if version is not None), default=None)


def _next(last: int | None) -> int:
    """Returns the next even version: even transactions add rows, odd ones remove them."""
    return 0 if last is None else (last | 1) + 1


def _is_read_alike(one: Imported, other: Imported, lacks: Collection[str]) -> bool:
    """Whether both imports read a file to the same events; compression makes no difference.

    Earlier releases assumed neither a zone nor a service.
    """
    earlier, later = one.reading, other.reading
    is_alike = earlier.zone == later.zone or (
        "zone" not in lacks and (earlier.zone, later.zone) == ("", UTC)
    )
    has_service = bool(earlier.default_service) == bool(later.default_service)
    if not (is_alike and (has_service or "service" not in lacks)):
        return False
    if earlier.options.get(IS_FORMER):
        # an earlier release mapped and named less; what a person said is the same
        stated = ("format", "constants")
        return all(getattr(earlier, name) == getattr(later, name) for name in stated)
    return _stated(earlier) == _stated(later)


def _stated(reading: Reading) -> Reading:
    """A reading without what the file's name and its time gave, which no copy keeps."""
    options = {name: value for name, value in reading.options.items() if name != BEFORE}
    return msgspec.structs.replace(
        reading,
        options=options,
        zone="",
        default_service="",
        first_time="",
        first_time_from="",
    )
