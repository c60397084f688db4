"""For machines that watch."""

from __future__ import annotations

import re

from prometheus_client.parser import text_string_to_metric_families
from support.lakes import Lake
from support.pages import minutes, named, pages
from support.windows import Pond, logged

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def samples(lake: Lake) -> dict[tuple[str, str], float]:
    """Value by name and table."""
    families = text_string_to_metric_families(pages(lake).get("/metrics").text)
    return {(s.name, s.labels.get("table", "")): s.value for f in families for s in f.samples}


def test_tables_are_measured(lake: Lake) -> None:
    """Rows, files, bytes, versions and times, in base units."""
    Pond(lake).arrive(logged(minutes(7)))
    found = samples(lake)
    assert found["logpond_table_rows", "logs"] == 7
    assert found["logpond_table_files", "logs"] == 1
    assert found["logpond_table_version", "logs"] == 1
    assert found["logpond_table_size_bytes", "logs"] > 1000
    assert found["logpond_newest_event_timestamp_seconds", ""] == 1777421160


def test_names_are_clean(lake: Lake) -> None:
    """Lower case, ours begin with logpond, every one is explained."""
    Pond(lake).arrive(named(["a"]))
    text = pages(lake).get("/metrics").text
    families = [*text_string_to_metric_families(text)]
    assert all(NAME.fullmatch(family.name) and family.documentation for family in families)
    ours = [f.name for f in families if not f.name.startswith(("process_", "python_"))]
    assert ours
    assert all(name.startswith("logpond_") for name in ours)


def test_a_lake_without_tables_has_no_samples_and_is_not_ready(lake: Lake) -> None:
    """The server is well all the same."""
    asked = pages(lake)
    assert asked.get("/healthz").status_code == 200
    assert asked.get("/readyz").status_code == 503
    assert ("logpond_table_rows", "logs") not in samples(lake)


def test_it_is_ready_once_there_are_rows(lake: Lake) -> None:
    """Which it sees by itself."""
    asked = pages(lake)
    asked.app.state.lake.refresh_seconds = 0
    asked.get("/readyz")
    Pond(lake).arrive(named(["a"]))
    assert asked.get("/readyz").status_code == 200


def test_the_api_describes_itself(lake: Lake) -> None:
    """Every page has its data behind it."""
    told = pages(lake).get("/api/openapi.json").json()
    assert {"/api/home", "/api/explore"} <= set(told["paths"])


def test_people_can_read_the_api_too(lake: Lake) -> None:
    """Without scripts from elsewhere."""
    assert "/api/explore" in pages(lake).get("/api").text
