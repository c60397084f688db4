"""Goes the way of an event whose class has more fields: message, files, import, SQL, page.

`field_child.py FOLDER 'LINE' ...`: each line is added to the class, as one would write it in
`lakehouse/event/fields.py`; nothing else differs. Prints what each step found, as JSON.
"""

from __future__ import annotations

import ast
import csv
import dataclasses
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

EVENT = {
    "event_id": "e-0",
    "timestamp": "2026-05-01T12:00:00Z",
    "service": "shop",
    "endpoint": "/a",
    "status_code": 200,
    "ip": "192.0.2.1",
}


def add_to_the_class(lines: list[str]) -> None:
    """Make `lakehouse.event.fields` what it were with these lines in it."""
    spec = find_spec("lakehouse.event.fields")
    assert spec
    assert spec.origin
    text = Path(spec.origin).read_text().splitlines()
    (event,) = (
        one for one in ast.parse("\n".join(text)).body if getattr(one, "name", "") == "LogEvent"
    )
    text[event.end_lineno : event.end_lineno] = [f"    {line}" for line in lines]
    module = ModuleType(spec.name)
    sys.modules[spec.name] = module
    exec(compile("\n".join(text), spec.origin, "exec"), module.__dict__)


def sent(given: dict[str, Any]) -> bytes:
    """The message that the producer sends for an event with these values."""
    from datetime import datetime

    from lakehouse.event.fields import LogEvent
    from lakehouse.event.message import dump

    when = datetime.fromisoformat(EVENT["timestamp"])  # type: ignore[arg-type]
    return dump(LogEvent(**{**EVENT, **given, "timestamp": when}))


def written(folder: Path, given: dict[str, Any]) -> list[Path]:
    """A CSV and an NDJSON file of three such events each, with names of their own."""
    rows = [
        {**EVENT, **given, "event_id": f"{kind}-{n}"} for kind in ("csv", "json") for n in range(3)
    ]
    as_csv, as_json = folder / "events.csv", folder / "events.ndjson"
    with as_csv.open("w", newline="") as out:
        writer = csv.DictWriter(out, [*rows[0]])
        writer.writeheader()
        writer.writerows(rows[:3])
    as_json.write_text("".join(json.dumps(row) + "\n" for row in rows[3:]))
    return [as_csv, as_json]


def main(folder: str, *lines: str) -> None:
    """Go the whole way, and print what was found."""
    add_to_the_class([*lines])
    from click.testing import CliRunner
    from support.importing import Imports
    from support.lakes import Lake, raw_rows
    from support.pages import pages
    from support.records import LIMITS

    from batch.commands.discover import discover
    from batch.formats.kind import sniff
    from lakehouse import decode
    from lakehouse.event.fields import LogEvent
    from lakehouse.event.schema import struct_type
    from lakehouse.query.ask import ask
    from lakehouse.tables.catalog import LOGS

    names = [f.name for f in dataclasses.fields(LogEvent)][-len(lines) :]
    values = {"int": 7, "str": "x-1", "float": 2.5, "bool": True}
    types = {f.name: str(f.type).split(" ")[0] for f in dataclasses.fields(LogEvent)}
    given = {name: values[types[name]] for name in names}
    payload = sent(given)
    decoded = decode.decode(raw_rows([payload], [0]), LIMITS).events.select(names).to_pylist()
    files, lake = written(Path(folder), given), Lake.at(Path(folder))
    imported = Imports(lake).done(*files)
    sql = f"SELECT {', '.join(names)} FROM logs ORDER BY event_id"
    client = pages(lake)
    found = {
        "given": given,
        "message": {name: json.loads(payload)[name] for name in names},
        "decoded": decoded,
        "columns": [str(LOGS.columns.field(name).type) for name in names],
        "spark": [f.name for f in struct_type(LOGS.columns) if f.name in names],
        "proposed": [{name: sniff(file).mapping.get(name) for name in names} for file in files],
        "discovered": CliRunner().invoke(discover, [*map(str, files)]).output,
        "imported": imported,
        "sql": ask(lake.places, sql).to_pylist(),
        "api": client.get("/api/explore?last=all").json()["part"]["rows"][0],
        "page": client.get("/explore?last=all").text,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
