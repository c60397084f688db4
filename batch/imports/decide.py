"""What an import of a file means, given what the lake has of its path and of its content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from lakehouse.ingest.raw_zone import Imported, ImportPlan
from lakehouse.tables.catalog import LOGS, QUARANTINE

IMPORTED, REPLACED, UNCHANGED, SAME = "imported", "replaced", "unchanged", "same content"


@dataclass(frozen=True)
class Decision:
    """What is to be done: to `load` or not, after what it `replaces`; `of` is the first path."""

    done: str
    what: Imported
    load: bool = False
    replaces: list[Imported] = field(default_factory=list)
    of: str = ""


@dataclass
class Known:
    """What the lake has: manifests by content, contents by path, and the tables' own word.

    `last` gives the newest transaction of an application in a table.
    """

    manifests: dict[str, Imported]
    paths: dict[str, str]
    last: Callable[[str, str], int | None]

    def __post_init__(self) -> None:
        self._unpacked = {each.unpacked: each.sha256 for each in self.manifests.values()}

    def note(self, plan: ImportPlan) -> None:
        """It was carried out."""
        for old in plan.replaces:
            self.manifests[old.sha256] = msgspec.structs.replace(old, batch=old.batch + 1)
        self.manifests[plan.what.sha256] = plan.what
        self._unpacked[plan.what.unpacked] = plan.what.sha256
        self.paths[plan.what.path] = plan.what.sha256

    def decide(self, new: Imported, again: bool) -> Decision:
        """What a file as it is now (`new`, without counts) means; with `again` in any case anew."""
        there = self._there(new.sha256) or self._there(self._unpacked.get(new.unpacked, ""))
        before = self._before(new, there or new)
        gone = [before] if before and not self._has_others(before, new.path) else []
        if there and _is_read_alike(there, new) and not again:
            if before:
                what = msgspec.structs.replace(there, path=new.path)
                return Decision(REPLACED, what, replaces=gone, of=there.path)
            is_known = self.paths.get(new.path) == there.sha256
            return Decision(UNCHANGED if is_known else SAME, there, of=there.path)
        gone += [there] if there and there.sha256 != new.sha256 else []
        return self._anew(new, gone, is_other=bool(before or there))

    def _anew(self, new: Imported, gone: list[Imported], is_other: bool) -> Decision:
        """Its rows come, after those of its own that the tables may have, whole or in part."""
        last, known = self._last(new.sha256), self.manifests.get(new.sha256, new)
        what = msgspec.structs.replace(new, batch=_next(last), taken=known.taken)
        if last is not None and last % 2 == 0:
            gone = [*gone, msgspec.structs.replace(known, batch=last)]
        return Decision(REPLACED if is_other else IMPORTED, what, True, gone)

    def _there(self, sha256: str) -> Imported | None:
        """What is known of a content whose rows are in the tables."""
        found = self.manifests.get(sha256)
        return found if found and found.is_in and self._has(found) else None

    def _before(self, new: Imported, now: Imported) -> Imported | None:
        """The content that a path had, where it is another than `now` and in the tables."""
        sha256 = self.paths.get(new.path, now.sha256)
        return None if sha256 == now.sha256 else self._there(sha256)

    def _has_others(self, what: Imported, path: str) -> bool:
        """Whether a content is at another path too: it stays then."""
        return any(has == what.sha256 and at != path for at, has in self.paths.items())

    def _has(self, what: Imported) -> bool:
        return all(self.last(name, what.key(name).app) == what.batch for name in what.tables)

    def _last(self, sha256: str) -> int | None:
        """The newest transaction of a content in either table."""
        found = [self.last(t.name, f"import/{sha256}/{t.name}") for t in (QUARANTINE, LOGS)]
        return max((version for version in found if version is not None), default=None)


def _next(last: int | None) -> int:
    """The next even version: rows come by even ones, and go by odd ones."""
    return 0 if last is None else (last | 1) + 1


def _is_read_alike(one: Imported, other: Imported) -> bool:
    """Whether records become the same events; packed or not is no matter."""
    return msgspec.structs.replace(one.reading, compressed=other.reading.compressed) == (
        other.reading
    )
