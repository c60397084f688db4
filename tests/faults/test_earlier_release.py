"""A lake that an earlier release wrote, and left in the middle of a batch, goes on with ours."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.promise import broken
from support.streams import Once, settings

from cli.stack.broker import Broker
from lakehouse.errors import CheckpointError
from lakehouse.ingest.queries import INGEST
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.query.ask import ask
from streaming.repair.recover import moved

pytestmark = [pytest.mark.faults, pytest.mark.broker, pytest.mark.spark]

LAKES = sorted((Path(__file__).parents[1] / "golden" / "lakes").glob("*.tar.xz"))
SENT, IMPORTED = 1533, 41


@pytest.fixture(params=LAKES, ids=lambda file: file.name.partition(".")[0])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of the lake, at another place than the one where it was written."""
    with tarfile.open(request.param) as packed:
        packed.extractall(tmp_path)  # one of our own
    return tmp_path / "lake"


@pytest.fixture
def its_broker(lake: Path) -> Iterator[Broker]:
    """Its records, at a port of this test's own."""
    with Broker(str(lake / "_broker")) as broker:
        yield broker


def test_its_state_is_read(lake: Path) -> None:
    """Tables, imports, windows and the batch under way are understood as they lie."""
    places = Places.at(str(lake))
    verdict = verify(places)
    rows = ask(places, "SELECT count(*) AS n, count(_commit) AS commits FROM logs")

    assert (verdict.ok, verdict.records, verdict.windows_wrong) == (True, 1386, 0), verdict
    assert rows.to_pylist() == [{"n": verdict.logs, "commits": verdict.logs}]


def test_it_streams_on(lake: Path, its_broker: Broker, once: Once) -> None:
    """It is refused as moved, says how to go on, finishes the batch and takes what came later."""
    asked = settings(its_broker.bootstrap, "web-logs", lake)
    places = Places.of(asked)
    with pytest.raises(CheckpointError) as refused:
        once(asked)
    assert "--moved" in str(refused.value.remedy)

    moved(places, INGEST.name)
    once(asked)
    verdict = verify(places)
    assert (verdict.ok, verdict.records) == (True, SENT + IMPORTED), verdict
    assert broken(its_broker.bootstrap, places, "web-logs") == []
