"""Judges what came late beside a running detection, over a copy of its closed minutes.

The minutes of the lake are the detection's alone, and so are its incidents. What came late for it,
as an older file that is imported, is counted in the copy, which is deleted at the end. Incidents
are only added, and only such that touch none that is there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from anomaly.engine.config import Config
from anomaly.engine.engine import Engine
from anomaly.engine.incident import Incident, is_same_trouble
from anomaly.lake.fold import OnFolded, fold_all
from anomaly.lake.history import Closed, Judged
from anomaly.lake.incidents import incidents_if_any, write
from anomaly.lake.minutes import by_days
from anomaly.lake.rows.folds import RowFolds
from anomaly.rules.fold import RuleFold
from anomaly.rules.rule import NO_RULES, RuleSet
from lakehouse import store
from lakehouse.ingest.queries import MINUTES as QUERY
from lakehouse.paths import Places
from lakehouse.store import Replacement
from lakehouse.tables.catalog import Table
from lakehouse.tables.incidents import CLOSED
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows import recounted
from lakehouse.windows.horizon import aligned, horizon, mark
from lakehouse.windows.recount import count_late


@dataclass(frozen=True)
class Aside(Places):
    """The places of a lake whose minutes, and what is noted about them, lie in another folder."""

    folder: str = ""

    def table(self, table: Table | str) -> str:
        """The root of a Delta table."""
        name = table if isinstance(table, str) else table.name
        return f"{self.folder}/{name}" if name == MINUTES.name else super().table(name)

    def ledger(self, query: str) -> str:
        """Beside the checkpoint."""
        return f"{self.folder}/ledger" if query == QUERY.name else super().ledger(query)


def judge_late(
    places: Places,
    late: timedelta,
    config: Config,
    folded: OnFolded = lambda _minute: None,
    rules: RuleSet = NO_RULES,
) -> tuple[Closed, Judged]:
    """Counts late rows in a copy, folds it, and adds the incidents that nobody has found yet.

    Of what opened before the first late row, or is still open, none is added: that is the running
    detection's.
    """
    with _copied(places, late) as copy:
        counted = [each for day in count_late(copy, MINUTES) for each in day.late]
        since = recounted.since(copy)
        if since is None:
            return Closed(), Judged({}, [], -1)
        engine, row_folds = Engine(config), RowFolds(config)
        table = store.open_table(copy, MINUTES.name)
        folds = [RuleFold(rule) for rule in rules.enabled.values()]
        found = fold_all(copy, table, engine, row_folds, folded, folds)
        over = [one for one in found.values() if one.opened >= since and one.status == CLOSED]
        added = {one.incident_id: one for one in _untouched(over, incidents_if_any(places))}
        changes = write(copy, added, config, of_past=True, recounted=since, rules=rules.rules)
        closed = Closed(0, len(counted), sum(one.rows for one in counted))
        return closed, Judged(found, changes, engine.folded_to)


def _untouched(found: Iterable[Incident], there: Iterable[Incident]) -> Iterator[Incident]:
    known = [*there]
    return (one for one in found if not any(is_same_trouble(one, it) for it in known))


@contextmanager
def _copied(places: Places, late: timedelta) -> Iterator[Aside]:
    """Copies the newest closed minutes, a few days at a time, until the end of the block."""
    table = store.open_table(places, MINUTES.name)
    closed = horizon(table)
    with tempfile.TemporaryDirectory(prefix="logpond-") as folder:
        copy = Aside(places.lake, places.checkpoints, folder=folder)
        store.create(copy, MINUTES.table(late))
        for rows in by_days(table) if closed else ():
            made = _part(aligned(rows, MINUTES), closed)
            store.replace(copy, MINUTES.table(late), partial(_always, made))
        yield copy


def _always(made: Replacement, _current: DeltaTable) -> Replacement:
    return made


def _part(rows: pa.Table, closed: datetime | None) -> Replacement:
    days = pc.min_max(rows["date"]).as_py()
    where = f"date >= '{days['min']}' AND date <= '{days['max']}'"
    return Replacement(rows, where, mark(closed))
