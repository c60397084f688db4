"""What was derived from rows: windows are counted again, and incidents lose the names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lakehouse import store
from lakehouse.erasure.mentions import Mentions
from lakehouse.paths import Places
from lakehouse.store import Replacement
from lakehouse.tables.catalog import ANOMALIES
from lakehouse.tables.rollups import ROLLUPS, Rollup
from lakehouse.windows.recount import mend

NOTE = {"writer": "erase"}


def count_windows(places: Places, since: date | None) -> int:
    """Counts closed windows again that counted erased rows, from a day on. Returns how many.

    Minutes too, but none is judged again: an incident stays, although part of it is gone.
    """
    return sum(
        len(day.to_count)
        for rollup in ROLLUPS.values()
        for day in mend(places, rollup, since, is_judged=False)
    )


def windows_of(places: Places, rollup: Rollup, mentions: Mentions) -> list[dict[str, Any]]:
    """Returns the partitions of a rollup with rows that mention a value, and how many of them."""
    table = store.table_or_none(places, rollup.name)
    rows = table.to_pyarrow_table(columns=["granularity", "date", *rollup.keys]) if table else None
    if rows is None or not mentions:
        return []
    named = rows.filter(_mentioned(rows, rollup, mentions)).group_by(["granularity", "date"])
    found: list[dict[str, Any]] = named.aggregate([([], "count_all")]).to_pylist()
    return found


def delete_windows(places: Places, rollup: Rollup, mentions: Mentions) -> int:
    """Deletes the rows of a rollup that mention a value. Returns how many there were.

    They are those that cannot be counted again, as `retain` has deleted what they counted.
    """
    parts = windows_of(places, rollup, mentions)
    for part in parts:
        keys = {key: part[key] for key in ("granularity", "date")}
        make: Callable[[DeltaTable], Replacement] = partial(_without, rollup, keys, mentions)
        store.replace(places, rollup.table(), make)
    return sum(part["count_all"] for part in parts)


def _without(
    rollup: Rollup, keys: dict[str, Any], mentions: Mentions, current: DeltaTable
) -> Replacement:
    granularity, day = keys["granularity"], keys["date"]
    rows = current.to_pyarrow_table([("granularity", "=", granularity), ("date", "=", str(day))])
    kept = rows.filter(pc.invert(_mentioned(rows, rollup, mentions)))
    return Replacement(kept, f"granularity = '{granularity}' AND date = '{day}'", note=NOTE)


def _mentioned(rows: pa.Table, rollup: Rollup, mentions: Mentions) -> pa.Array:
    keys = zip(*(rows[key].to_pylist() for key in rollup.keys), strict=True)
    return pa.array([any(mentions.in_text(key or "") for key in of) for of in keys], pa.bool_())


def incidents(places: Places, mentions: Mentions) -> list[str]:
    """Returns the ids of the incidents that mention a value, in whichever column."""
    table = store.table_or_none(places, ANOMALIES.name)
    rows = table.to_pyarrow_table().to_pylist() if table and mentions else []
    return [row["incident_id"] for row in rows if mentions.scrubbed(row) != row]


def scrub_incidents(places: Places, mentions: Mentions) -> int:
    """Writes incidents anew with `[erased]` in place of what they mention. Returns how many."""
    ids = incidents(places, mentions)
    if ids:
        store.replace(places, ANOMALIES, partial(_scrubbed, ids, mentions))
    return len(ids)


def _scrubbed(ids: list[str], mentions: Mentions, current: DeltaTable) -> Replacement:
    rows = current.to_pyarrow_table()
    found = rows.filter(pc.is_in(rows["incident_id"], pa.array(ids, rows.schema[0].type)))
    scrubbed = [mentions.scrubbed(row) for row in found.to_pylist()]
    named = ", ".join(f"'{one['incident_id']}'" for one in scrubbed)
    made = pa.Table.from_pylist(scrubbed, schema=found.schema)
    return Replacement(made, f"incident_id IN ({named})", note=NOTE)
