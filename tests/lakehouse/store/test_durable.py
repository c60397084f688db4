"""With `durability = "power"` each write that a promise rests on is there after a power cut.

A row a write: what makes it, and what is to be read again once the disk was taken as it was at that
moment. tests/faults/test_power_cut.py does the same to the steps of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pytest
from support.disks import Losing, losing_disk
from support.lakes import events

from anomaly.alerts.alert import Alert
from anomaly.alerts.outbox import Outbox
from anomaly.engine.config import Config
from anomaly.lake.snapshots import Snapshots
from lakehouse import store
from lakehouse.http.tokens import READ, Tokens
from lakehouse.ingest.absent import Absent, Loss, Stretch, noted
from lakehouse.ingest.checkpoint import Checkpoint, Manifest
from lakehouse.ingest.manifest import Subscription
from lakehouse.ingest.plans import BatchPlan, BatchPlans
from lakehouse.ingest.queries import INGEST
from lakehouse.ingest.raw_zone import RawZone
from lakehouse.maintenance import optimize, restore
from lakehouse.maintenance.trim import trim
from lakehouse.paths import Places
from lakehouse.query.file_tables import FileTable, known, register
from lakehouse.response.mutes import Mute, Mutes
from lakehouse.store import Key, Replacement, Writer, durable
from lakehouse.store.log import Log
from lakehouse.tables.catalog import LOGS
from streaming.repair.tables import repair
from streaming.upkeep.ledger import Ledger

pytestmark = pytest.mark.faults

NOW = datetime(2026, 5, 1, tzinfo=UTC)
WIDER = replace(LOGS, columns=LOGS.columns.append(pa.field("region", pa.string())))


class Write(NamedTuple):
    """What a write is, on a lake with what was `before` it; and what is read of it."""

    make: Callable[[Places], object]
    seen: Callable[[Places], Any]
    before: Callable[[Places], object] = lambda _places: None


class State(msgspec.Struct):
    """What a fold has learned."""

    n: int


def append(places: Places, batches: range = range(1)) -> None:
    """Rows, a commit a batch."""
    for batch in batches:
        Writer(places, LOGS).append(events([batch]), Key("test", batch))


def rows(places: Places) -> list[int]:
    """The offsets that `logs` has."""
    found = store.open_table(places, LOGS).to_pyarrow_table(columns=["_offset"])
    return sorted(found["_offset"].to_pylist())


def columns(places: Places) -> list[str]:
    """The names of the columns of `logs`."""
    return [field.name for field in store.open_table(places, LOGS).schema().fields]


def manifest(places: Places) -> Manifest:
    """What binds a checkpoint."""
    return Manifest(
        query=INGEST.name,
        query_id="q",
        location=places.checkpoint(INGEST.name),
        topics={"t": Subscription("id", first={0: 0}, start={0: 0})},
        columns={},
        decode_version=1,
        created_at=NOW,
    )


def progress(places: Places) -> tuple[Manifest | None, Any]:
    """The manifest, and what Spark would go on from."""
    checkpoint = Checkpoint(places, INGEST.name)
    return checkpoint.manifest(), checkpoint.progress()


def tear(places: Places) -> None:
    """Leave the newest log entry of a table empty."""
    append(places, range(3))
    entry = Path(places.delta_log(LOGS), f"{3:020d}.json")
    entry.write_bytes(b"")


def retired(places: Places) -> list[str]:
    """Manifests of checkpoints that were retired."""
    return sorted(each.name for each in Path(places.ledger(INGEST.name)).glob("manifest*.json"))


def keep_copy(places: Places) -> None:
    """A file of a user, copied to the raw zone."""
    file = Path(places.lake).parent / "file.csv"
    file.parent.mkdir()
    file.write_bytes(b"a,b\n" * 1000)
    RawZone(places).keep(file, "5f")


def offer(places: Places) -> None:
    """An alert that waits."""
    Outbox.of(places, "webhook", 10).offer(Alert("one", b"{}"))


def revoke(places: Places) -> None:
    """A token that is to open nothing any more."""
    Tokens.of(places).revoke("alice")


def names(places: Places) -> list[str]:
    """The tokens that open something."""
    return [token.name for token in Tokens.of(places).all()]


def replaced(places: Places) -> None:
    """All rows in one commit."""
    store.replace(places, LOGS, lambda _at: Replacement(events([7, 8]), "date IS NOT NULL"))


def trimmed(places: Places) -> None:
    """A log that begins at its checkpoint."""
    trim(places, LOGS.name, timedelta(0), 5, NOW + timedelta(days=9999))


PLAN = BatchPlan(query_id="q", batch=1, files=[], start="{}", end="{}")
LOSS = Loss(topic="t", partition=0, first=1, last=2, reason="r", by="b", at=NOW)
FILES = FileTable("visits", "csv", ["/tmp/a.csv"], {"a": "text"})
WRITES = {
    "a table": Write(lambda at: store.create(at, LOGS), columns),
    "the first rows": Write(append, rows),
    "more rows": Write(lambda at: append(at, range(1, 3)), rows, append),
    "a column": Write(lambda at: store.create(at, WIDER), columns, append),
    "a property": Write(
        lambda at: store.set_property(at, LOGS.name, "logpond.oldestReadable", "1"),
        lambda at: store.open_table(at, LOGS).metadata().configuration,
        append,
    ),
    "a checkpoint of the log": Write(
        lambda at: append(at, range(60)),
        lambda at: (rows(at), Log(at, LOGS.name).first_torn(), sorted(Log(at, LOGS.name).names())),
    ),
    "a trimmed log": Write(trimmed, rows, lambda at: append(at, range(60))),
    "merged files": Write(
        lambda at: optimize(at, LOGS.name), rows, lambda at: append(at, range(5))
    ),
    "rows replaced": Write(replaced, rows, append),
    "rows deleted": Write(
        lambda at: store.remove(at, LOGS, "_offset < 2", Key("gone", 1)),
        rows,
        lambda at: append(at, range(4)),
    ),
    "an older version": Write(
        lambda at: restore(at, LOGS.name, 2), rows, lambda at: append(at, range(4))
    ),
    "a mended log": Write(lambda at: [*repair(at, [LOGS.name])], rows, tear),
    "a manifest": Write(lambda at: Checkpoint(at, INGEST.name).adopt(manifest(at)), progress),
    "a retired manifest": Write(
        lambda at: Checkpoint(at, INGEST.name).retire("-old"),
        retired,
        lambda at: Checkpoint(at, INGEST.name).adopt(manifest(at)),
    ),
    "a plan": Write(
        lambda at: BatchPlans(at).write(PLAN), lambda at: BatchPlans(at).all(PLAN.query_id)
    ),
    "offsets of nobody": Write(
        lambda at: Absent(at).note("invisible", "q-1", noted([Stretch("t", 0, 1, 2)])),
        lambda at: Absent(at).of("invisible").to_pylist(),
    ),
    "a loss": Write(lambda at: Absent(at).acknowledge(LOSS), lambda at: Absent(at).losses()),
    "a copy of a file": Write(keep_copy, lambda at: Path(at.raw_file("files/5f")).read_bytes()),
    "the content of a path": Write(
        lambda at: RawZone(at).claim("/a.csv", "5f"), lambda at: RawZone(at).paths()
    ),
    "a mute": Write(
        lambda at: Mutes(at).add(Mute("shop", NOW, NOW + timedelta(days=1))),
        lambda at: Mutes(at).now(NOW),
    ),
    "a board": Write(
        lambda at: durable.swap(at, at.boards, "a.json", b"after", b"before"),
        lambda at: Path(at.boards, "a.json").read_bytes(),
        lambda at: durable.put(at, at.boards, "a.json", b"before"),
    ),
    "an alert": Write(offer, lambda at: Outbox(at.alerts("webhook"), 10).next()),
    "a token": Write(lambda at: Tokens.of(at).create("alice", READ), names),
    "no token": Write(revoke, names, lambda at: Tokens.of(at).create("alice", READ)),
    "a table of files": Write(lambda at: register(at, FILES), lambda at: known(at, FILES.name)),
    "what a fold learned": Write(
        lambda at: Snapshots(at, Config(), "state", 2).keep("1", State(7)),
        lambda at: Snapshots(at, Config(), "state", 2).newest(State, lambda found: found),
    ),
    "what upkeep did": Write(
        lambda at: Ledger({"p": ["f"]}).save(at, LOGS.name), lambda at: Ledger.of(at, LOGS.name)
    ),
}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Losing]:
    """A disk whose power can be cut."""
    with losing_disk(tmp_path / "disk", megabytes=64) as made:
        yield made


def at(disk: Losing, durability: str) -> Places:
    """A lake two new folders deep on the disk."""
    return replace(Places.at(str(disk.root / "new" / "lake"), ""), durability=durability)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_it_is_there_after_a_power_cut(write: Write, disk: Losing) -> None:
    """The same is read as before the cut, and nothing that is not whole."""
    places = at(disk, "power")
    write.before(places)
    write.make(places)
    before = write.seen(places)
    assert before or write.make is revoke
    disk.cut()

    assert write.seen(places) == before


def test_without_it_a_cut_takes_a_table(disk: Losing) -> None:
    """So the cut is one."""
    places = at(disk, "process")
    append(places)
    disk.cut()

    assert not Path(places.table(LOGS)).exists()
