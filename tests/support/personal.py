"""Builders: a lake that holds a person in every place it has, and a search through all of it."""

from __future__ import annotations

import base64
import gzip
import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from support.importing import Imports, written
from support.lakes import Lake
from support.records import message
from support.windows import Pond

from anomaly.alerts.alert import Alert
from anomaly.alerts.outbox import Outbox
from lakehouse import maintenance, store
from lakehouse.ingest.queries import MINUTES
from lakehouse.paths import Places, is_url
from lakehouse.response.action import ACKNOWLEDGED, Action
from lakehouse.response.actions import Actions
from lakehouse.response.mutes import Mute, Mutes
from lakehouse.store import objects
from lakehouse.tables.catalog import ANOMALIES, LOGS
from lakehouse.tables.rollups import ROLLUPS
from producer import spool

# Others are called nearly so, but for the beginning: bounds of values are cut off at their end.
USER, IP, TOPIC = "ann.lee", "3.0.113.9", "web-logs"
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
# Offsets of records that are the person's, by field or by text; others are nobody's.
BY_FIELD, BY_TEXT, REJECTED = {0, 1, 7}, {2, 12}, {3}
RECORDS = 20


def payload(name: str, offset: int) -> bytes:
    """A record of the person, or of somebody whose name is nearly the same."""
    at = (NOW + timedelta(minutes=4 if offset == RECORDS - 1 else -(offset % 25))).isoformat()
    others = {"event_id": name, "timestamp": at, "user": f"jo{USER}", "ip": f"20{IP}"}
    if offset in REJECTED:
        return f'{{"user": "{USER}", broken'.encode()
    if offset in BY_FIELD:
        return message(**{**others, "user": USER, "ip": IP})
    if offset in BY_TEXT:
        return message(**others, message=f"login of {USER} failed", path=f"/login?from={IP}:80")
    return message(**others)


def inhabited(lake: Lake) -> Lake:
    """A lake with two batches, closed windows, an import, an incident and all that follows."""
    lake.payload = payload
    lake.admit()
    lake.batch(0, {0: 10}, bad={5})
    lake.batch(1, {0: RECORDS})
    Pond(lake).close_by_now([*ROLLUPS.values()])
    maintenance.optimize(lake.places, LOGS.name)
    _incident(lake.places)
    Mutes(lake.places).add(Mute(IP, NOW, datetime.now(UTC) + timedelta(days=1)))
    done = Action("a1", ACKNOWLEDGED, NOW, "bob", f"it was {USER}, from {IP}")
    Actions(lake.places).add("i1", done)
    objects.put(objects.store(lake.places.ledger(MINUTES.name)), "addresses/1-abc", IP.encode())
    _beside(lake.places)
    return lake


def imported(lake: Lake, folder: Path) -> Imports:
    """An import of a file with the person in it; a copy of it is in the raw zone."""
    lines = ["timestamp,service,endpoint,status_code,ip,response_time"]
    lines += [
        f"2026-04-29T22:1{n}:00Z,shop,/a,200,{IP if n == 1 else '192.0.2.1'},1" for n in range(5)
    ]
    imports = Imports(lake)
    imports.run(written(folder / "a.csv", lines), windows=True)
    return imports


def _beside(places: Places) -> None:
    spool.keep(places.unsent(TOPIC), [(IP.encode(), payload("x", 0)), (b"k", b"{}")])
    Outbox.of(places, "webhook", 10).offer(Alert("i1-opened", f'{{"ip": "{IP}"}}'.encode()))
    Path(places.state).mkdir(parents=True, exist_ok=True)
    for place, of in ((places.questions, "q1"), (places.boards, "ours"), (places.boards, USER)):
        objects.put(objects.store(place), f"{of}.json", f'{{"title": "of {USER}"}}'.encode())
    objects.put(objects.store(places.boards), "broken.json", f"{{ {USER}".encode())
    places.program_log("web").write_text(f"GET /?user={USER}\nGET /\n")
    places.labels.write_text(f'{{"ip": "{IP}"}}\n{{"ip": ""}}\n')
    events = places.spark_events / "app-1"
    events.mkdir(parents=True)
    (events / "events_1").write_text(f"SELECT * FROM logs WHERE ip = '{IP}'")


def _incident(places: Places) -> None:
    row: dict[str, Any] = {
        **dict.fromkeys(ANOMALIES.columns.names),
        **{"incident_id": "i1", "date": NOW.date(), "status": "closed", "scope": "address"},
        **{"key": IP, "ip": IP, "opened": NOW, "last_breach": NOW},
        **{"sentence": f"{IP} tried {USER}", "reasons": [f"of {IP}"]},
        **{"contributors": [{"kind": "address", "name": IP, "share": 1.0}]},
    }
    rows = pa.Table.from_pylist([row], schema=ANOMALIES.columns)
    store.Writer(places, ANOMALIES).append(rows, store.Key("anomaly", 0))


def holding(places: Places, values: tuple[str, ...] = (USER, IP)) -> list[str]:
    """The objects of a lake, decoded, in which a value stands as a word of its own."""
    patterns = [re.compile(rf"(?<![\w.]){re.escape(v)}(?!\w|\.\w)".encode()) for v in values]
    roots = [places.lake, *([places.state] if is_url(places.lake) else [])]
    return [
        f"{root}/{name}"
        for root in roots
        for name in objects.names_below(objects.reader(root))
        if any(p.search(decoded(objects.get(objects.reader(root), name) or b"")) for p in patterns)
    ]


def decoded(content: bytes) -> bytes:
    """All that can be read of an object: Parquet, base64 of records, what gzip has packed."""
    if content[:4] == b"PAR1":
        file = pq.ParquetFile(io.BytesIO(content))
        return repr(file.read().to_pylist()).encode() + _bounds(file)
    if content[:2] == b"\x1f\x8b":
        return gzip.decompress(content)
    if content[:2] == b'["':
        lines = [msgspec.json.decode(line) for line in content.splitlines()]
        return b"\n".join(base64.b64decode(part or "") for line in lines for part in line)
    return content


def _bounds(file: pq.ParquetFile) -> bytes:
    groups = [file.metadata.row_group(n).to_dict() for n in range(file.metadata.num_row_groups)]
    return repr(groups).encode()
