"""Builders: lakes as a browser sees them: with data, empty, full of naughty texts."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from support.aging import age
from support.lakes import Lake, raw_rows
from support.pages import NAUGHTY, hostile
from support.records import LIMITS, message
from support.trouble import close_minutes, troubled
from support.windows import Pond, at, logged

from analytics.web.boards.board import MOST_PANELS, OVERVIEW, Board, Panel
from analytics.web.boards.boards import Boards
from anomaly.lake.detection import prepare_tables
from lakehouse import decode, maintenance, settings
from lakehouse.ingest.intake import stamped
from lakehouse.tables.catalog import ANOMALIES, QUARANTINE
from lakehouse.tables.rollups import TRAFFIC

# Nothing breaks a line in it; a page that is narrow has to.
LONG = "x" * 500
TEXTS = (*NAUGHTY, LONG, " ".join(NAUGHTY))
LAST = 150


def recent(name: str, offset: int) -> bytes:
    """A record of the last minute that the shop has."""
    when = at(LAST - 1) + timedelta(milliseconds=offset)
    time = f"{when:%Y-%m-%dT%H:%M:%S.%fZ}"
    return message(event_id=name, timestamp=time, trace_id=f"trace-{offset // 4}")


def shop(folder: Path) -> Lake:
    """Two and a half hours with one incident, minutes and half hours closed, some rejects."""
    lake = Lake.at(folder)
    lake.payload = recent
    lake.admit()
    lake.batch(0, {0: 40}, bad={3, 7})
    lake.batch(1, {0: 90}, bad={55})
    troubled(lake)
    Pond(lake).close(at(120), [TRAFFIC])
    Boards(lake.places).create("overview", OVERVIEW)
    return lake


def running(folder: Path) -> Lake:
    """Two batches of ingest and no more; nothing but what a stream does."""
    lake = Lake.at(folder)
    lake.payload = recent
    lake.admit()
    lake.batch(0, {0: 5}, bad={1})
    lake.batch(1, {0: 9}, bad={6})
    return lake


def vacuumed(lake: Lake) -> None:
    """Its small files merged long ago, and the old ones deleted since."""
    maintenance.optimize(lake.places, "logs")
    age(lake, hours=200)
    maintenance.vacuum(lake.places, "logs")


def nothing(folder: Path) -> Lake:
    """A lake before its first row."""
    return Lake.at(folder)


def nasty(folder: Path) -> Lake:
    """Every text that breaks pages in every field of every table that a page reads."""
    lake = Lake.at(folder)
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    for text in TEXTS:
        lake.put(hostile(text))
    close_minutes(lake, 1)
    rejects = raw_rows([text.encode() for text in TEXTS], [*range(len(TEXTS))])
    columns = decode.decode(rejects, LIMITS).rejects
    lake.put(stamped(columns, QUARANTINE.columns, datetime.now(UTC), "x:0"), table=QUARANTINE)
    lake.put(pa.Table.from_pylist([*map(incident, TEXTS)], ANOMALIES.columns), table=ANOMALIES)
    reports = ("top-errors", "slowest", "anomalies", "addresses")
    panels = [Panel(report=name, title=text[:80]) for name in reports for text in TEXTS[:3]]
    panels += [Panel(question=text[:80], x=text[:80]) for text in TEXTS]
    Boards(lake.places).create("overview", Board(TEXTS[0], panels[:MOST_PANELS]))
    Path(lake.places.boards, "broken.json").write_text(json.dumps({"title": 1, TEXTS[1]: TEXTS}))
    return lake


def incident(text: str) -> dict[str, object]:
    """A row of `anomalies` that says this wherever it can."""
    named = {field.name: text for field in ANOMALIES.columns if field.type == pa.string()}
    lists = {"reasons": [text], "sample_event_ids": [text]}
    names = ("observed", "expected", "lower", "upper", "ratio", "n")
    numbers = dict.fromkeys((*names, "surprise_opened", "surprise_peak"), 9.5)
    times = dict.fromkeys(("opened", "last_breach", "folded_to"), at(0))
    shares = [{"kind": text, "name": text, "share": 0.7}]
    name, day = f"{TEXTS.index(text):016x}", at(0).date()
    own = {"incident_id": name, "date": day, "measure": "traffic", "duration_minutes": 1}
    return {**named, **lists, **numbers, **times, "contributors": shares, **own}


def app(folder: Path) -> Lake:
    """Lines of an application, none of a request: levels, hosts, attributes, stack traces."""
    lake = Lake.at(folder)
    count = 40
    requests = ("endpoint", "path", "method", "status_code", "ip", "user_agent", "is_bot")
    fields: dict[str, Any] = {
        "service": ["cart", "cart", "checkout", "mailer"] * 10,
        "message": [f"order {n} {'failed' if n % 8 == 0 else 'taken'}" for n in range(count)],
        "level": ["ERROR" if n % 8 == 0 else "INFO" for n in range(count)],
        "severity_number": [17 if n % 8 == 0 else 9 for n in range(count)],
        "exception": ["Fault\n  at x" if n % 8 == 0 else None for n in range(count)],
        "host": [f"web-{n % 3}" for n in range(count)],
        "attributes": [{"order_id": str(n % 5)} for n in range(count)],
    }
    times = [at(LAST - 20) + timedelta(seconds=30 * n) for n in range(count)]
    Pond(lake).arrive(logged(times, **dict.fromkeys(requests), **fields))
    return lake


SITES: dict[str, Callable[[Path], Lake]] = {
    "shop": shop,
    "running": running,
    "nothing": nothing,
    "nasty": nasty,
    "app": app,
}
