"""Files of views for `logpond watch-time`, with known duplicates, faults and totals.

A row depends only on its file, its number and the seed. So a file of any size takes no memory, and
a duplicate can be made of any earlier row, also of another file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from producer.datasets import cast

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

HEADER = ("log_id", "user_id", "ip", "timestamp", "watch_time(min)", "title", "device")
# About as many bytes has a line.
LINE = 88
# Of fifty rows the last is in an earlier file too, the one before in this file already; the third
# from the end has a fault in every fifth fifty.
GROUP, ORIGINAL, FAULTY_GROUPS = 50, 47, 5
BATCH = GROUP * 2000
USERS, ADDRESSES = 200_000, 50_000
BAD_ADDRESSES = ("", "unknown", "999.1.2.3", "10.0.0", "fe80::zz")
MOST = 24_000
START = 1_767_225_600
DAY = 86_400
DEVICES = ("phone", "tablet", "tv", "laptop")
FAULTS = (
    "missing_log_id",
    "missing_user_id",
    "bad_timestamp",
    "missing_watch_time",
    "bad_watch_time",
    "negative_watch_time",
)


@dataclass(frozen=True)
class Spec:
    """What to make: files of about `size` bytes each."""

    seed: int
    size: int

    @property
    def rows(self) -> int:
        """Returns the rows of each file, a multiple of fifty."""
        return max(1, self.size // LINE // GROUP) * GROUP

    def facts(self) -> dict[str, int]:
        """Returns what the bytes of a file depend on."""
        return {"seed": self.seed, "size": self.size}

    def files(self, folder: Path, count: int) -> dict[Path, partial[int]]:
        """Returns each file, and the function that writes it."""
        names = (folder / f"views-{number + 1:04d}.csv" for number in range(count))
        return {name: partial(write, self, number) for number, name in enumerate(names)}

    def truth(self, count: int) -> dict[str, Any]:
        """Returns what `logpond watch-time` must find in so many files."""
        groups = self.rows // GROUP
        faulty = -(-groups // FAULTY_GROUPS)
        rejects = {name: len(range(at, faulty, len(FAULTS))) for at, name in enumerate(FAULTS)}
        own = self.rows - groups - faulty
        return {
            "rows": self.rows * count,
            "views": own * count - groups * (count - 1),
            "duplicates_in_files": groups * count,
            "duplicates_across_files": groups * (count - 1),
            "rejects": {name: n * count for name, n in sorted(rejects.items()) if n},
        }

    @cached_property
    def pools(self) -> dict[str, pa.Array]:
        """Returns the values of each column that rows are drawn from."""
        import pyarrow as pa

        addresses = [*cast.addresses(self.seed, ADDRESSES), *BAD_ADDRESSES * 50]
        minutes = [f"{n // 100}.{n % 100:02d}" for n in range(MOST)]
        return {
            "user_id": pa.array(cast.users(USERS)),
            "ip": pa.array(addresses),
            "minutes": pa.array([*minutes, "n/a", "-5.00"]),
            "title": pa.array([f"title-{n}" for n in range(1, 501)]),
            "device": pa.array(DEVICES),
        }

    @cached_property
    def shares(self) -> np.ndarray:
        """Returns the cumulative shares of the users."""
        import numpy as np

        return np.array(cast.shares(USERS, 0.6))


@dataclass(frozen=True)
class Rows:
    """Rows of a file: the file and row that each is from (a duplicate: another), and its fault."""

    source: np.ndarray
    row: np.ndarray
    is_copy: np.ndarray
    fault: np.ndarray

    @property
    def is_own(self) -> np.ndarray:
        """Which rows count in this file."""
        own: np.ndarray = ~self.is_copy & (self.fault < 0)
        return own


def write(spec: Spec, file: int, path: Path) -> int:
    """Writes a file, and what its users watched to `_truth`. Returns the number of rows."""
    import numpy as np
    from pyarrow import csv

    plain = csv.WriteOptions(include_header=False, quoting_style="none")
    minutes, views = np.zeros(USERS, dtype=np.int64), np.zeros(USERS, dtype=np.int64)
    with path.open("wb") as out:
        out.write(",".join(HEADER).encode() + b"\n")
        for begin in range(0, spec.rows, BATCH):
            rows = _rows(spec, file, np.arange(begin, min(begin + BATCH, spec.rows)))
            drawn = _drawn(spec, rows)
            csv.write_csv(_table(spec, rows, drawn), out, plain)
            user = drawn["user_id"][rows.is_own]
            views += np.bincount(user, minlength=USERS)
            np.add.at(minutes, user, drawn["minutes"][rows.is_own])
    _write_truth(spec, path.with_name("_truth") / f"{file + 1:04d}.parquet", minutes, views)
    return spec.rows


def note(spec: Spec, folder: Path, count: int) -> None:
    """Writes the truth of all files, `_truth.json`."""
    (folder / "_truth.json").write_text(json.dumps(spec.truth(count), indent=2) + "\n")


def _write_truth(spec: Spec, path: Path, minutes: np.ndarray, views: np.ndarray) -> None:
    """Writes what each user watched in this file [1/100 minutes], without later duplicates."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(exist_ok=True)
    columns = {"user_id": spec.pools["user_id"], "hundredths": minutes, "views": views}
    pq.write_table(pa.table(columns), path)


def _rows(spec: Spec, file: int, numbers: np.ndarray) -> Rows:
    import numpy as np

    group, at = numbers // GROUP, numbers % GROUP
    chance = _mixed(spec.seed, file, numbers, 0)
    original = (chance % ORIGINAL).astype(np.int64)
    is_inner, is_outer = at == GROUP - 2, (at == GROUP - 1) & (file > 0)
    # an earlier group, or this one; across files the same group, so that no row is taken twice
    earlier = (chance >> 20).astype(np.int64) % (group + 1)
    row = np.where(is_inner, earlier * GROUP + original, numbers)
    row = np.where(is_outer, group * GROUP + original, row)
    source = np.where(is_outer, (chance >> 40).astype(np.int64) % max(file, 1), file)
    is_faulty = (at == ORIGINAL) & (group % FAULTY_GROUPS == 0)
    fault = np.where(is_faulty, group // FAULTY_GROUPS % len(FAULTS), -1)
    return Rows(source, row, is_inner | is_outer, fault)


def _drawn(spec: Spec, rows: Rows) -> dict[str, np.ndarray]:
    """Returns indexes into the pools. Every second copy differs, and is a minute later."""
    import numpy as np

    differs = rows.is_copy & (rows.row % 2 == 0)
    draw = partial(_mixed, spec.seed, rows.source, rows.row)
    address = (draw(2) + differs.astype(np.uint64)) % np.uint64(len(spec.pools["ip"]))
    minutes = (draw(3) % np.uint64(MOST - 100)).astype(np.int64) + 100 * differs
    faults = {4: MOST, 5: MOST + 1}
    for fault, place in faults.items():
        minutes = np.where(rows.fault == fault, place, minutes)
    share = (draw(1) >> np.uint64(11)) / float(1 << 53)
    return {
        "user_id": np.minimum(spec.shares.searchsorted(share, side="right"), USERS - 1),
        "ip": address,
        "minutes": minutes,
        "seconds": START + rows.source * DAY + rows.row * DAY // spec.rows + 60 * rows.is_copy,
        "title": draw(4) % np.uint64(500),
        "device": draw(5) % np.uint64(len(DEVICES)),
    }


def _table(spec: Spec, rows: Rows, drawn: dict[str, np.ndarray]) -> pa.Table:
    import pyarrow as pa

    taken = {name: spec.pools[name].take(pa.array(drawn[name])) for name in spec.pools}
    columns = [
        _unless(rows.fault == 0, pa.array(_mixed(spec.seed, rows.source, rows.row, 6))),
        _unless(rows.fault == 1, taken["user_id"]),
        taken["ip"],
        _unless(rows.fault == 2, pa.array(drawn["seconds"]).cast(pa.timestamp("s"))),
        _unless(rows.fault == 3, taken["minutes"]),
        taken["title"],
        taken["device"],
    ]
    return pa.table(columns, HEADER)


def _unless(lost: np.ndarray, values: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(pa.array(lost), pa.scalar(None, values.type), values)


def _mixed(seed: int, file: Any, rows: np.ndarray, column: int) -> np.ndarray:
    """Returns 64 bits for each cell, by splitmix64: the same input gives the same bits."""
    import numpy as np

    x = (np.asarray(file).astype(np.uint64) << np.uint64(40)) + rows.astype(np.uint64)
    x = x * np.uint64(8) + np.uint64(column)
    with np.errstate(over="ignore"):
        x = (x + np.uint64(seed)) * np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
