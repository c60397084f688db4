"""What `logpond rule try` takes over 30 days of closed minutes, by kind of condition.

`python -m benchmarks.rules` makes 864,000 rows of 20 endpoints, and replays a rule of each kind.
"""

from __future__ import annotations

import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console
from rich.table import Table

from anomaly.lake.detection import prepare_tables
from anomaly.rules.rule import Rule, RuleTable
from anomaly.rules.trial import replay
from benchmarks.detection import DAY, FIRST, MADE, rows_of
from benchmarks.keys import minutes
from lakehouse import store
from lakehouse.paths import Places
from lakehouse.settings import Anomaly
from lakehouse.tables.rollups import MINUTES
from lakehouse.windows.horizon import mark

KEYS, DAYS = 20, 30
RULES = {
    "count": "count where service:bench > 100000 in 5 min",
    "count by endpoint": "count > 20000 in 5 min",
    "share": "share of status:4xx where service:bench > 5 % in 10 min",
    "burn": "burn of 99.9 % by is_error:true where service:bench > 14.4 in 1 h and 5 min",
    "none": "none where endpoint:/3 in 1 h",
    "p95 by endpoint": "p95 of response_time > 800 ms in 5 min",
}


def rules(folder: Path) -> dict[str, float]:
    """Seconds, by the wall and of CPU, that the replay of each kind takes."""
    places = Places(f"{folder}/rules", f"{folder}/rules/_checkpoints")
    _closed(places)
    found: dict[str, float] = {}
    for name, when in RULES.items():
        by = ["endpoint"] if name.endswith("by endpoint") else []
        rule = Rule("tried", RuleTable.model_validate({"when": when, "by": by}))
        began, spent = time.monotonic(), time.process_time()
        trial = replay(places, rule, FIRST, 600.0)
        assert (trial.is_from_minutes, trial.minutes) == (True, DAYS * DAY), trial
        found[f"{name}_seconds"] = time.monotonic() - began
        found[f"{name}_cpu_seconds"] = time.process_time() - spent
    return found


def _closed(places: Places) -> None:
    """A month of closed minutes, in one commit for each of its days, which are all alike."""
    prepare_tables(places, Anomaly())
    made = minutes(KEYS, MADE)
    day = pa.concat_tables([rows_of(made[at % MADE], at) for at in range(DAY)])
    for number in range(DAYS):
        rows = _later(day, number)
        first = FIRST + timedelta(days=number)
        where = f"granularity = '1m' AND date = '{first:%Y-%m-%d}'"
        done = store.Replacement(rows, where, mark(first + timedelta(days=1)))
        store.replace(places, MINUTES.table(), lambda _current, done=done: done)


def _later(rows: pa.Table, days: int) -> pa.Table:
    """Returns the rows so many days later."""
    step = pa.scalar(timedelta(days=days), pa.duration("us"))
    for name in ("window_start", "window_end"):
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, rows.schema.field(at), pc.add(rows[name], step))
    at = rows.schema.get_field_index("date")
    dates = rows["window_start"].cast(pa.date32())
    return rows.set_column(at, rows.schema.field(at), dates)


def main() -> None:
    """Prints a row a kind."""
    table = Table("rule", "seconds", "of CPU")
    with tempfile.TemporaryDirectory() as folder:
        found = rules(Path(folder))
    for name, when in RULES.items():
        of = (f"{found[f'{name}_{what}']:.1f}" for what in ("seconds", "cpu_seconds"))
        table.add_row(when, *of)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
