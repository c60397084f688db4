"""`logpond recover` refuses a query that runs; another query may run meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.lakes import Lake

from lakehouse.errors import CheckpointError
from lakehouse.ingest.queries import INGEST, MINUTES, WINDOWS, Query
from streaming.commands.stream import recover

NAMES = ["windows", "minutes"]


def run(lake: Lake, query: str) -> Result:
    """`recover QUERY`, which needs no broker for windows and minutes."""
    return CliRunner().invoke(recover, [query, "--lake", lake.places.lake])


def checkpoint(lake: Lake, query: Query) -> Path:
    """A checkpoint of a query, with one file in it."""
    place = Path(lake.places.checkpoint(query.name))
    place.mkdir(parents=True)
    (place / "metadata").write_text("{}")
    return place


@pytest.mark.parametrize(("query", "running"), [(WINDOWS, INGEST), (MINUTES, MINUTES)], ids=NAMES)
def test_a_running_query_keeps_its_checkpoint(lake: Lake, query: Query, running: Query) -> None:
    """Windows run under the lock of ingest, minutes under their own."""
    kept = checkpoint(lake, query)
    with running.alone(lake.places):
        refused = run(lake, query.name)

    assert isinstance(refused.exception, CheckpointError)
    assert "runs already" in str(refused.exception)
    assert (kept / "metadata").is_file()


@pytest.mark.parametrize(("query", "running"), [(WINDOWS, MINUTES), (MINUTES, INGEST)], ids=NAMES)
def test_another_query_may_run(lake: Lake, query: Query, running: Query) -> None:
    """Its checkpoint is moved aside, and named."""
    moved = checkpoint(lake, query)
    with running.alone(lake.places):
        done = run(lake, query.name)

    assert done.exit_code == 0, done.output
    assert f"kept as {moved}.before-" in done.output
    assert not moved.exists()
