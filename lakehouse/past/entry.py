"""A commit as the ledger keeps it: what it added, what it took away, and when. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec
import pyarrow as pa

COLUMNS = pa.schema(
    [
        pa.field("version", pa.int64(), nullable=False),
        pa.field("time", pa.int64()),
        pa.field("operation", pa.string(), nullable=False),
        pa.field("writer", pa.string(), nullable=False),
        pa.field("batch", pa.int64()),
        pa.field("rows", pa.int64()),
        pa.field("newest", pa.int32()),
        pa.field("checksum", pa.uint64()),
        pa.field("change", pa.string(), nullable=False),
        pa.field("gone", pa.int64()),
        pa.field("gone_from", pa.int64()),
        pa.field("gone_checksum", pa.uint64()),
        pa.field("kept_from", pa.int32()),
        pa.field("rule", pa.string(), nullable=False),
    ]
)
# Columns that segments of earlier releases lack, and what stands for them.
ADDED_LATER = {"rule": ""}
# Checksums add up modulo this.
MODULUS = 1 << 64
# What a change is that took rows away, beside the names in `fold`: nobody saw what happened.
UNSEEN = "unseen"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One commit; several of one version where the ledger began in the middle of a table.

    `time` is when the commit says that it was made [us since 1970]. Its rows have `writer` and
    `batch` in `_commit`; `newest` is the last of their dates [days since 1970]. `change` says why
    it took `gone` rows away, which versions from `gone_from` on had; of whole dates those before
    `kept_from`. With `rule` only rows of one rule of retention went, as `service debug`, else all.
    Checksums are of coordinates, and add up. None is not known.
    """

    version: int
    time: int | None
    operation: str
    writer: str = ""
    batch: int | None = None
    rows: int | None = 0
    newest: int | None = None
    checksum: int | None = 0
    change: str = ""
    gone: int | None = 0
    gone_from: int | None = None
    gone_checksum: int | None = 0
    kept_from: int | None = None
    rule: str = ""


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that a version took away: states from `first` on had some of them, and have not now."""

    version: int
    time: int | None
    change: str
    first: int
    kept_from: int | None = None
    rule: str = ""


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What all entries up to one add up to. `rows` and `checksum` are None once one is not known.

    `chain` is a hash of all of them in order: no entry can be changed without changing it.
    """

    rows: int | None = 0
    checksum: int | None = 0
    newest: int | None = None
    removals: tuple[Removal, ...] = ()
    chain: str = ""

    def plus(self, entries: Iterable[Entry]) -> Totals:
        """Returns the totals with these entries behind the others."""
        rows, checksum, newest = self.rows, self.checksum, self.newest
        removals, chain = [*self.removals], self.chain
        for one in entries:
            rows = _added(rows, one.rows, one.gone)
            checksum = _added(checksum, one.checksum, one.gone_checksum)
            newest = max(filter(None, (newest, one.newest)), default=None)
            removals += removal(one)
            chain = linked(chain, one)
        if checksum is not None:
            checksum %= MODULUS
        return Totals(
            rows=rows, checksum=checksum, newest=newest, removals=(*removals,), chain=chain
        )


def removal(one: Entry) -> list[Removal]:
    """Returns what an entry took away, if it did."""
    if not one.change or one.gone == 0 or one.gone_from is None:
        return []
    return [
        Removal(
            version=one.version,
            time=one.time,
            change=one.change,
            first=one.gone_from,
            kept_from=one.kept_from,
            rule=one.rule,
        )
    ]


def linked(chain: str, one: Entry) -> str:
    """Returns the chain with one more entry.

    What was added to entries later is not hashed where an entry has none: old chains stay right.
    """
    hashed = msgspec.structs.asdict(one)
    for name, nothing in ADDED_LATER.items():
        if hashed[name] == nothing:
            del hashed[name]
    return hashlib.sha256(chain.encode() + msgspec.json.encode(hashed)).hexdigest()


def as_table(entries: Iterable[Entry]) -> pa.Table:
    """Returns entries as rows."""
    rows: list[Any] = [msgspec.structs.asdict(one) for one in entries]
    return pa.Table.from_pylist(rows, schema=COLUMNS)


def of_table(rows: pa.Table) -> list[Entry]:
    """Returns rows as entries."""
    return [Entry(**row) for row in rows.to_pylist()]


def _added(total: int | None, more: int | None, less: int | None) -> int | None:
    return None if total is None or more is None or less is None else total + more - less
