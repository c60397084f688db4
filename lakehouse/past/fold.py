"""Notes what the log says of commits in the ledger, before a trim takes it from the log.

It costs ingest nothing. It may be killed at any point and begun anew: entries go first, then the
spans of files; what is in neither is still in the log, as a trim comes after both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import msgspec
import pyarrow.compute as pc
from deltalake import DeltaTable

from lakehouse.duck import Pinned, connect
from lakehouse.past import checksums
from lakehouse.past.checksums import Contents
from lakehouse.past.entry import MODULUS, UNSEEN, Entry
from lakehouse.past.follow import Draft, follow, parsed
from lakehouse.past.ledger import Ledger, Moved
from lakehouse.past.spans import Spans
from lakehouse.paths import Places
from lakehouse.store import oldest_kept, open_table
from lakehouse.store.log import Log
from lakehouse.tables.catalog import TABLES

AT_ONCE = 5000
Found = dict[str, Contents]


def fold(places: Places, name: str, upto: int | None = None) -> int:
    """Notes the commits of a table up to a version, or to its newest. Returns how many were new."""
    at = open_table(places, name)
    ledger = Ledger(places, name, str(at.metadata().id))
    last = at.version() if upto is None else min(upto, at.version())
    before = ledger.last
    while ledger.last < last:
        try:
            _fold_some(places, ledger, Log(places, name), at, last)
        except Moved:  # another process has noted and trimmed the same meanwhile
            ledger.refresh()
    with suppress(Moved):
        ledger.tidy()
    return ledger.last - before


def unnoted(places: Places, name: str, upto: int) -> int:
    """Returns how many commits of a table up to a version are not in its ledger."""
    return upto - Ledger(places, name, str(open_table(places, name).metadata().id)).last


def beginning(log: Log, at: DeltaTable) -> int:
    """Returns the oldest version that Delta can still read."""
    return max(log.oldest(), oldest_kept(at))


def drafts(ledger: Ledger, log: Log, at: DeltaTable, spans: Spans, last: int) -> Iterator[Draft]:
    """Yields what the log says of commits behind the ledger up to `last`, and moves `spans` on.

    Where the log begins later than the ledger ends, the first one says so.
    """
    first, imports = min(spans.version, ledger.last) + 1, dict[tuple[str, int | None], int]()
    oldest = log.oldest()
    if first < oldest:
        spans.files, is_behind = {}, ledger.last + 1 < oldest
        spans.version = beginning(log, at) if is_behind else ledger.last
        first = spans.version + 1
        if is_behind:
            ledger.refuse_moved()
            yield Draft(_unseen(log, spans.version, is_first=ledger.first is None))
    for version in range(first, last + 1):
        actions = log.actions(version)
        if actions is None:
            raise Moved(f"version {version} of table {ledger.table}")
        draft = follow(ledger.table, spans, version, actions)
        if version > ledger.last:
            imports[draft.entry.writer, draft.entry.batch] = version
            yield _since_its_import(draft, ledger, imports)


def _since_its_import(
    draft: Draft, ledger: Ledger, imports: dict[tuple[str, int | None], int]
) -> Draft:
    """Returns the draft of a removal of imported rows with the version that had brought them."""
    entry = draft.entry
    if entry.change != "replaced" or not entry.batch:
        return draft
    brought = imports.get((entry.writer, entry.batch - 1))
    if brought is None:
        rows = ledger.entries(0, ledger.last, ("version", "writer", "batch"))
        is_it = pc.and_(
            pc.equal(rows["writer"], entry.writer), pc.equal(rows["batch"], entry.batch - 1)
        )
        brought = pc.min(rows.filter(is_it)["version"]).as_py()
    if brought is None:
        return draft
    return Draft(msgspec.structs.replace(entry, gone_from=brought), draft.added, draft.removed)


def _fold_some(places: Places, ledger: Ledger, log: Log, at: DeltaTable, last: int) -> None:
    spans, before = ledger.spans(), ledger.totals()
    begin = beginning(log, at) if ledger.last + 1 < log.oldest() else ledger.last
    last = max(begin, min(last, begin + AT_ONCE))
    found = [*drafts(ledger, log, at, spans, last)]
    entries = _measured(places, ledger.table, found)
    if entries[0].operation == UNSEEN:
        entries = [entries[0], *_earlier(places, ledger, entries[0].version), *entries[1:]]
    ledger.append(last, entries, before, before.plus(entries))
    ledger.put_spans(spans)


def _unseen(log: Log, version: int, is_first: bool) -> Entry:
    """Returns the entry of a version before which nothing is known.

    Where the ledger knew earlier ones, rows may be gone since then that nobody noted.
    """
    stamp = log.stamped(version)
    time = None if stamp is None else int(stamp.timestamp() * 1_000_000)
    entry = Entry(version=version, time=time, operation=UNSEEN)
    if is_first:
        return entry
    return msgspec.structs.replace(entry, change=UNSEEN, gone=None, gone_from=0)


def _measured(places: Places, table: str, found: list[Draft]) -> list[Entry]:
    """Returns the entries with what their data files say."""
    files = [path for draft in found for path in (*draft.added, *draft.removed)]
    there = checksums.contents(places, table, [*dict.fromkeys(files)])
    return [_with_contents(draft, there) for draft in found]


def _with_contents(draft: Draft, there: Found) -> Entry:
    entry, added = draft.entry, checksums.added(there.get(path) for path in draft.added)
    if draft.removed:
        removed = checksums.added(there.get(path) for path in draft.removed)
        if added is None or removed is None or entry.gone is None:
            return entry
        gone, checksum = removed[0] - added[0], (removed[1] - added[1]) % MODULUS
        return msgspec.structs.replace(entry, gone=gone, gone_checksum=checksum)
    if added is None or not draft.added:
        return entry
    named = {name for path in draft.added for name in (there[path].low, there[path].high)}
    writer, batch = parsed(named.pop()) if len(named) == 1 else ("", None)
    rows, checksum = added
    return msgspec.structs.replace(entry, rows=rows, checksum=checksum, writer=writer, batch=batch)


def _earlier(places: Places, ledger: Ledger, version: int) -> Iterator[Entry]:
    """Yields an entry for each commit of rows of the version with which the log begins.

    Which of them was made when is not known.
    """
    noted = ledger.entries(0, ledger.last, ("writer", "batch"))
    known = {*zip(noted["writer"].to_pylist(), noted["batch"].to_pylist(), strict=True)}
    at = open_table(places, ledger.table, version=version)
    with connect() as connection:
        pinned = Pinned.of(ledger.table, places.table(ledger.table), at)
        pinned.with_columns(TABLES[ledger.table].columns).create_view(connection, "held")
        for commit, rows, checksum, newest in checksums.by_commit(connection, "held"):
            writer, batch = parsed(commit)
            if (writer, batch) not in known:
                yield Entry(
                    version=version,
                    time=None,
                    operation=UNSEEN,
                    writer=writer,
                    batch=batch,
                    rows=rows,
                    newest=newest,
                    checksum=checksum,
                )
