"""Compares the records of imported files in the tables with what the raw zone notes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa
from deltalake import DeltaTable

from lakehouse.ingest.raw_zone import Imported, RawZone
from lakehouse.maintenance.retention_marks import EPOCH, unnoted_from
from lakehouse.proof.coverage import Coverage
from lakehouse.tables.catalog import LOGS, QUARANTINE

# Of what an old `retain` deleted only the dates are known: rows of such may be there or not.
COUNTS = """
SELECT f._topic,
    count(h._offset) FILTER (h.is_one) AS rows,
    count(h._offset) FILTER (h.is_one AND h.in_logs) AS logs,
    count(h._offset) FILTER (NOT h.is_one) AS outside,
    count(h._offset) - count(DISTINCT (h._partition, h._offset, h._item))
        FILTER (h._offset IS NOT NULL) AS repeated,
    count(DISTINCT h._offset) FILTER (h.is_one AND h.date >= h.first_) AS found
FROM files AS f LEFT JOIN (
    SELECT h.*, _partition = 0 AND _offset >= 0 AND _offset < n.records AS is_one,
        CASE WHEN in_logs THEN $logs_from ELSE $quarantine_from END AS first_
    FROM held AS h JOIN files AS n USING (_topic)) AS h USING (_topic)
GROUP BY f._topic
"""
GONE = """
WITH stretches AS (
    SELECT a._topic, a.first_ AS low, a.last_ AS high FROM absent AS a JOIN files USING (_topic)
    WHERE a.kind = $kind AND a._partition = 0),
rows AS (
    SELECT s._topic, count(*) AS count
    FROM (SELECT DISTINCT _topic, _offset FROM held WHERE _partition = 0) AS h
    ASOF JOIN stretches AS s ON h._topic = s._topic AND h._offset >= s.low
    WHERE h._offset <= s.high GROUP BY 1)
SELECT s._topic, sum(s.high - s.low + 1)::BIGINT - coalesce(any_value(rows.count), 0)
FROM stretches AS s LEFT JOIN rows USING (_topic) GROUP BY 1
"""
UNKNOWN = """
SELECT count(*) FROM held
WHERE starts_with(_topic, 'file:') AND _topic NOT IN (SELECT _topic FROM files)
"""


@dataclass(frozen=True)
class FileVerdict:
    """One imported file. If it is in, its records 0 to `records` - 1 must be found."""

    path: str
    sha256: str
    records: int
    logs: int
    quarantine: int
    gaps: int
    duplicates: int
    unexpected: int
    in_flight: int
    retained: int
    erased: int

    @property
    def is_at_fault(self) -> bool:
        """Whether the promise does not hold for the file."""
        return bool(self.gaps or self.duplicates or self.unexpected)


@dataclass(frozen=True)
class AskedFile:
    """What the tables may hold of a content, and what they must hold, at the opened versions."""

    what: Imported
    records: int
    required: int
    is_in: bool


def judge_files(
    held: Coverage,
    asked: Mapping[str, AskedFile],
    firsts: Mapping[str, date],
    proved: Mapping[str, FileVerdict],
) -> tuple[list[FileVerdict], int]:
    """Returns a verdict for each file, and how many rows belong to no known file.

    Of those in `proved`, by sha256, only rows are looked for that came since.
    """
    columns = {
        "_topic": pa.array([f"file:{sha256}" for sha256 in asked], pa.string()),
        "records": pa.array([each.records for each in asked.values()], pa.int64()),
    }
    held.register("files", pa.table(columns))
    days = {"logs_from": firsts[LOGS.name], "quarantine_from": firsts[QUARANTINE.name]}
    rows = {topic: counts for topic, *counts in held.ask(COUNTS, days)}
    gone, erased = (dict(held.ask(GONE, {"kind": kind})) for kind in ("any", "erased"))
    ((unknown,),) = held.ask(UNKNOWN)
    verdicts = []
    for sha256, each in asked.items():
        topic = each.what.topic
        if of := proved.get(sha256):
            _, _, outside, repeated, _ = rows[topic]
            new = {"unexpected": outside, "duplicates": repeated}
            verdicts += [replace(of, path=each.what.path, **new)]
        else:
            absent = gone.get(topic, 0), erased.get(topic, 0)
            verdicts += [_verdict(each, *absent, *rows[topic])]
    return verdicts, unknown


def planned_files(zone: RawZone) -> list[Imported]:
    """Returns what plans and manifests note now, plans first: a plan becomes a manifest."""
    plans = [plan.what for plan in zone.plans.all()]
    return [*plans, *zone.manifests().values()]


def first_dates(tables: Mapping[str, DeltaTable]) -> dict[str, date]:
    """Returns by table the first date of which no row is gone that an old `retain` did not note."""
    return {name: unnoted_from(table) or EPOCH for name, table in tables.items()}


def asked_files(
    promised: Iterable[Imported],
    planned: Iterable[Imported],
    tables: Mapping[str, DeltaTable],
    firsts: Mapping[str, date],
) -> dict[str, AskedFile]:
    """Returns sha256 -> what to look for; of several imports, the one that the tables have.

    `promised` is what manifests noted before the tables were opened; their files must be in.
    `planned` is what manifests and plans note afterwards; those may be in, or on their way.
    """
    found: dict[str, AskedFile] = {}
    known = [(what, True) for what in promised] + [(what, False) for what in planned]
    for what, is_promised in known:
        new, old = _one(what, is_promised, tables, firsts), found.get(what.sha256)
        if old is None or (not old.is_in and (new.is_in or new.records > old.records)):
            found[what.sha256] = new
    return found


def _one(
    what: Imported, is_promised: bool, tables: Mapping[str, DeltaTable], firsts: Mapping[str, date]
) -> AskedFile:
    done = [tables[name].transaction_version(what.key(name).app) for name in what.tables]
    is_lost = is_promised and any(version is None or version < what.batch for version in done)
    if what.is_in and (is_lost or all(version == what.batch for version in done)):
        return AskedFile(what, what.records, _required(what, firsts), True)
    may_be_there = what.is_in or any(version == what.batch - 1 for version in done)
    return AskedFile(what, what.records if may_be_there else 0, 0, False)


def _required(what: Imported, firsts: Mapping[str, date]) -> int:
    """Returns the records that no `retain` without notes can have deleted whole.

    Rows by date are known, and no record can have lost more of them than there are: where each has
    one row, this is the number of those that are left.
    """
    kept = sum(n for day, n in what.dates.items() if date.fromisoformat(day) >= firsts[LOGS.name])
    kept += what.rejects if what.taken.date() >= firsts[QUARANTINE.name] else 0
    return max(0, what.records - (sum(what.tables.values()) - kept))


def _verdict(
    asked: AskedFile,
    gone: int,
    erased: int,
    rows: int,
    logs: int,
    outside: int,
    repeated: int,
    found: int,
) -> FileVerdict:
    required = max(0, asked.required - gone)
    return FileVerdict(
        path=asked.what.path,
        sha256=asked.what.sha256,
        records=required,
        logs=logs if asked.is_in else 0,
        quarantine=rows - logs if asked.is_in else 0,
        gaps=max(0, required - found),
        duplicates=repeated,
        unexpected=outside,
        in_flight=0 if asked.is_in else rows,
        retained=gone - erased if asked.is_in else 0,
        erased=erased if asked.is_in else 0,
    )
