"""Ingests until it kills itself at a step of its first new batch; without one, to the end.

`child.py '{"die_at": "planned", "stricter": true, "settings": {"lake": ...}}'`. A program of its
own, so that the changed decode reaches Spark's workers by value.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa

from lakehouse import decode, settings
from lakehouse.decode import Decoded, Limits
from lakehouse.decode.rejects import reject_rows
from lakehouse.formats.format import Fault
from lakehouse.formats.reading import Reading
from lakehouse.ingest.plans import BatchPlan
from lakehouse.ingest.queries import INGEST
from lakehouse.paths import Places
from lakehouse.tables.catalog import ITEM_AND_SOURCE
from streaming.run import Hooks, Run

Readings = Mapping[str, Reading]
CHANGED = Fault("changed", "by the decode of a test")


def stricter(raw: pa.RecordBatch, limits: Limits, readings: Readings) -> Decoded:
    """A decode that changed: it refuses what comes from the service `search`."""
    payloads = raw.column("value").to_pylist()
    refused = [b'"service":"search"' in (payload or b"") for payload in payloads]
    rest = decode.decode(raw.filter(pa.array([not each for each in refused])), limits, readings)
    faults = {row: CHANGED for row, each in enumerate(refused) if each}
    for field in ITEM_AND_SOURCE:
        raw = raw.append_column(field, pa.nulls(raw.num_rows, field.type))
    more = reject_rows(raw, faults, limits, {})
    return Decoded(rest.events, pa.concat_tables([rest.rejects, more]))


def main(die_at: str | None, is_stricter: bool, flags: dict[str, object]) -> None:
    """Run the ingest as `--once` does."""
    asked = settings.load(**flags)
    places = Places.of(asked)
    progress = INGEST.checkpoint(places).progress()
    new = 0 if progress is None or progress.planned is None else progress.planned + 1
    if die_at == "checkpoint":
        commit = Path(places.checkpoint(INGEST.name), "commits", str(new))
        threading.Thread(target=_die_once, args=(commit.exists,), daemon=True).start()

    def reached(step: str, plan: BatchPlan) -> None:
        if (step, plan.batch) == (die_at, new):
            _die_once(lambda: True)

    hooks = Hooks(reached=reached, decode=stricter if is_stricter else decode.decode)
    Run(asked, places, threading.Event(), hooks, once=True)()


def _die_once(it_is_time: Callable[[], bool]) -> None:
    while not it_is_time():
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    order = json.loads(sys.argv[1])
    main(order["die_at"], order["stricter"], order["settings"])
