"""Real files come in as their own truth says (../shared/data/README.md)."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import pytest
from support.importing import Imports
from support.lakes import Lake

from batch.imports.reading import Overrides
from lakehouse.proof.verify import verify

pytestmark = pytest.mark.slow


def test_an_access_log(lake: Lake, shared_data: Path) -> None:
    """Each day and status as counted, the one broken line told with its place; windows right."""
    imports = Imports(lake)
    (told,) = imports.run(shared_data / "web" / "elastic_apache_access.log.gz", windows=True)
    days = imports.ask("SELECT day(date), count(*) FROM logs GROUP BY ALL ORDER BY 1")
    statuses = dict(imports.ask("SELECT status_code, count(*) FROM logs GROUP BY ALL"))
    found = verify(lake.places)

    assert (told.format, told.logs, told.quarantine) == ("access-log", 9999, 1)
    assert days == [(17, 1_632), (18, 2_893), (19, 2_896), (20, 2_578)]
    assert (statuses[404], statuses[500]) == (213, 3)
    assert imports.ask("SELECT detail[:10] FROM quarantine") == [("line 8899:",)]
    assert (found.ok, found.windows_late, found.duplicate_event_ids) == (True, 0, 0)


def test_a_csv_of_attacks(lake: Lake, shared_data: Path) -> None:
    """Every payload is in `logs` as it stands in the file."""
    file, imports = shared_data / "hostile" / "http_params_payload_full.csv.gz", Imports(lake)
    given = {
        "timestamp": "2026-01-01T00:00:00Z",
        "service": "web",
        "endpoint": "/form",
        "status_code": "200",
        "ip": "0.0.0.0",
    }
    (told,) = imports.run(file, overrides=Overrides({"payload": "path"}, given))
    with gzip.open(file, "rt", newline="", encoding="utf-8") as text:
        payloads = [row["payload"] for row in csv.DictReader(text)]

    assert (told.format, told.records, told.quarantine) == ("csv", 31_067, 0)
    paths = imports.ask("SELECT path FROM logs ORDER BY _offset")
    assert [path or "" for (path,) in paths] == payloads


def test_edits_of_wikipedia(lake: Lake, shared_data: Path) -> None:
    """Objects with names of their own, and no status: a person says what they mean."""
    file, imports = shared_data / "json" / "wikipedia_edits_2015-09-12.ndjson.gz", Imports(lake)
    overrides = Overrides(
        {"time": "timestamp", "channel": "endpoint", "added": "bytes_sent", "page": "path"},
        {"service": "wikipedia", "status_code": "200", "ip": "0.0.0.0"},
    )
    (told,) = imports.run(file, overrides=overrides)
    assert (told.format, told.logs, told.quarantine) == ("json", 39_244, 0)
    assert imports.ask("SELECT count(*) FROM logs WHERE date = '2015-09-12'") == [(39_199,)]
