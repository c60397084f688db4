"""From the log to the ledger: what each commit did to the rows of a table. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import unquote

import msgspec

from lakehouse.past.entry import Entry
from lakehouse.past.spans import Action, Span, Spans

EPOCH = date(1970, 1, 1)
NOTE, RETAINED = "logpond", ("retain/date", "retain/rows")
COMMIT = re.compile(r"^(.*?)(?::(\d+))?$", re.DOTALL)
# Who took rows away, by how the note of the commit begins.
CHANGES = {"retain": "retained", "import/": "replaced", "erase": "erased"}
MOVES = ("OPTIMIZE", "REORG")
# What only takes rows away; and what brings none of a commit that it makes up itself.
DELETES, LEAVES_COMMITS = ("DELETE", "FSCK"), ("RESTORE", "UPDATE")


@dataclass(frozen=True)
class Draft:
    """An entry without what only data files say; `added` and `removed` are the paths of these.

    Of a commit that took rows away `added` has the rows that it left, of others the new ones.
    """

    entry: Entry
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Commit:
    """The actions of a version, by kind."""

    info: Mapping[str, Any]
    adds: list[Action]
    removes: list[Action]
    transactions: dict[str, int]

    @classmethod
    def of(cls, actions: Iterable[Action]) -> _Commit:
        """Returns the actions of an entry of the log."""
        by_kind: dict[str, list[Any]] = {}
        for action in actions:
            for kind, of in action.items():
                by_kind.setdefault(kind, []).append(of)
        txns = {str(one["appId"]): int(one["version"]) for one in by_kind.get("txn", ())}
        infos = by_kind.get("commitInfo") or [{}]
        return cls(infos[0], by_kind.get("add", []), by_kind.get("remove", []), txns)

    @property
    def operation(self) -> str:
        """What the writer calls it."""
        return str(self.info.get("operation", ""))

    @property
    def note(self) -> dict[str, Any]:
        """What `store` has noted; empty where it is not ours."""
        try:
            found = msgspec.json.decode(self.info.get(NOTE) or "{}")
        except (msgspec.DecodeError, TypeError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def moves_only(self) -> bool:
        """Whether rows are in other files now, and are the same."""
        actions = (*self.adds, *self.removes)
        return bool(self.removes) and not any(one.get("dataChange", True) for one in actions)


def follow(table: str, spans: Spans, version: int, actions: Iterable[Action]) -> Draft:
    """Returns what a version did, and brings `spans` from the version before it up to it."""
    commit = _Commit.of(actions)
    entry = Entry(version=version, time=_time(commit.info), operation=commit.operation)
    if commit.moves_only or commit.operation in MOVES:
        spans.rewrite(commit.adds, commit.removes)
        draft = Draft(entry)
    elif commit.removes:
        draft = _taken(table, entry, commit, spans)
    else:
        draft = _brought(table, entry, commit, spans)
    spans.version = version
    return draft


def parsed(commit: str) -> tuple[str, int | None]:
    """Returns writer and batch of a `_commit`."""
    found = COMMIT.match(commit)
    assert found
    return found[1], None if found[2] is None else int(found[2])


def _brought(table: str, entry: Entry, commit: _Commit, spans: Spans) -> Draft:
    added = [add for add in commit.adds if add.get("dataChange", True)]
    spans.append(entry.version, added)
    writer, batch = _writer(table, commit.note)
    entry = msgspec.structs.replace(
        entry,
        writer=writer if added else "",
        batch=batch if added else None,
        rows=_sum(spans, added),
        newest=_newest(added),
        checksum=None if added else 0,
    )
    return Draft(entry, added=_paths(added))


def _taken(table: str, entry: Entry, commit: _Commit, spans: Spans) -> Draft:
    """A commit that took rows away; of others than DELETE it is not known which it left as is."""
    lost, is_exact = spans.rewrite(commit.adds, commit.removes), commit.operation in DELETES
    if is_exact:
        lost = [one for one in lost if one.rows != 0]
    else:
        spans.forget(commit.adds)
    change, (writer, batch) = _change(commit), _writer(table, commit.note)
    is_import = change == "replaced"
    entry = msgspec.structs.replace(
        entry,
        writer=writer if is_import else "",
        batch=batch if is_import else None,
        rows=0 if commit.operation in (*DELETES, *LEAVES_COMMITS) else None,
        change=change,
        gone=_total(lost) if is_exact else None,
        gone_from=_gone_from(commit, lost) if lost else None,
        gone_checksum=None if lost else 0,
        kept_from=_kept_from(commit) if change == "retained" else None,
        rule=str(commit.note.get("rule", "")) if change == "retained" else "",
    )
    return Draft(entry, added=_paths(commit.adds), removed=_paths(commit.removes))


def _gone_from(commit: _Commit, lost: list[Span]) -> int:
    """Returns the first version that may have had a row which is gone."""
    if commit.operation == "RESTORE":
        to = str((commit.info.get("operationParameters") or {}).get("version", ""))
        if to.isdigit():
            return int(to) + 1
    return min(one.first for one in lost)


def _kept_from(commit: _Commit) -> int | None:
    """Returns the first date that retention kept, of whole dates or of single rows.

    A rule of some rows notes its own; the transactions have the last one of all such rules.
    """
    own = _days(commit.note.get("before"))
    marks = (commit.transactions[name] for name in RETAINED if name in commit.transactions)
    return next(marks, None) if own is None else own


def _change(commit: _Commit) -> str:
    writer = str(commit.note.get("writer", ""))
    for begun, change in CHANGES.items():
        if writer.startswith(begun):
            return change
    return {"DELETE": "deleted", "RESTORE": "undone"}.get(commit.operation, "rewritten")


def _writer(table: str, note: Mapping[str, Any]) -> tuple[str, int | None]:
    """Returns what the rows of a commit say of it, by its note: the query without the table."""
    writer, batch = str(note.get("writer", "")), note.get("batch")
    plain = re.sub(rf"/{re.escape(table)}(?:/\d+)?$", "", writer)
    return plain, batch if isinstance(batch, int) else None


def _time(info: Mapping[str, Any]) -> int | None:
    """Returns when a commit says that it was made [us since 1970]."""
    stamp = info.get("inCommitTimestamp", info.get("timestamp"))
    is_time = isinstance(stamp, int) and 0 <= stamp < 1 << 48
    return stamp * 1000 if is_time and isinstance(stamp, int) else None


def _newest(adds: Iterable[Action]) -> int | None:
    """Returns the last date among the partitions of files [days since 1970]."""
    days = (_days((add.get("partitionValues") or {}).get("date")) for add in adds)
    return max((day for day in days if day is not None), default=None)


def _days(text: Any) -> int | None:
    """Returns a date that is written as 2026-01-31 [days since 1970]; None for anything else."""
    try:
        return (date.fromisoformat(str(text)) - EPOCH).days
    except ValueError:
        return None


def _sum(spans: Spans, adds: Iterable[Action]) -> int | None:
    return _total([spans.of(add["path"]) for add in adds])


def _total(spans: Iterable[Span]) -> int | None:
    counts = [span.rows for span in spans]
    return None if None in counts else sum(filter(None, counts))


def _paths(actions: Iterable[Action]) -> tuple[str, ...]:
    return tuple(unquote(action["path"]) for action in actions)
