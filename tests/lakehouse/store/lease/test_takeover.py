"""A lake in a real bucket: its holder is frozen or killed at each step of a batch, and replaced."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import lease_child
from support.bucket import Bucket
from support.lakes import STEPS, Lake

from lakehouse import store
from lakehouse.errors import CheckpointError
from lakehouse.ingest.plans import carry_out, lost_tables
from lakehouse.ingest.queries import IMPORT, INGEST, UPKEEP, Query
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.store.lease.grant import Standby
from lakehouse.store.lease.takeover import _fence
from lakehouse.store.lock import holder
from lakehouse.store.retry import retried
from lakehouse.tables.catalog import TABLES

TTL = 1.0
PATIENT = Standby(lambda: False, lambda _what: None)
SENTENCE = re.compile(r"error: this process lost its lease[^\n]*\n  nothing is lost: .*\n")
Child = subprocess.Popen[str]


def places(url: str, seconds: float = TTL) -> Places:
    """The places of a lake whose lease lasts so long."""
    at = Places.at(url)
    return Places(at.lake, at.checkpoints, lease_seconds=seconds)


@contextmanager
def frozen(bucket: Bucket, step: str, seconds: float = TTL) -> Iterator[Child]:
    """A process that holds the lease of ingest, frozen at that step."""
    Lake(places(bucket.url)).adopt({0: 0})
    command = [sys.executable, lease_child.__file__, bucket.url, str(seconds), step]
    paths = os.pathsep.join(sys.path)
    child = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert child.stdout
    try:
        assert child.stdout.readline().strip() == step, child.stderr and child.stderr.read()
        assert os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
        yield child
    finally:
        child.kill()
        child.communicate()


def go_on(fenced: Places) -> Lake:
    """Finishes the batch of the holder before and takes another one, as a start does."""
    lake = Lake(fenced)
    (standing,) = [*lake.plans.all(lake.manifest.query_id), None][:1]
    if standing is None:
        lake.batch(0, lease_child.END, lease_child.BAD)
    else:
        writers = INGEST.writers(fenced)
        assert lost_tables(fenced, standing, writers) == []
        carry_out(standing, writers)
        lake.complete(0)
    lake.batch(1, {0: 8})
    return lake


@pytest.mark.slow
@pytest.mark.parametrize("step", ["taken", *STEPS[:-1]])
def test_a_holder_that_was_frozen_cannot_commit(bucket: Bucket, step: str) -> None:
    """Another one took over; it ends with one sentence, and each record is there once."""
    with frozen(bucket, step) as child:
        with INGEST.alone(places(bucket.url)) as fenced:
            lake = go_on(fenced)
            child.send_signal(signal.SIGCONT)
            _, errors = child.communicate(timeout=60)
        assert child.returncode == 6
        assert re.fullmatch(
            r"error: this process lost its lease[^\n]*\n  nothing is lost: .*\n", errors
        )
    assert lake.held() == [(0, offset) for offset in range(8)]
    assert verify(lake.places).ok


@pytest.mark.nightly
@pytest.mark.parametrize("step", ["taken", *STEPS])
def test_a_standby_takes_over_from_one_that_was_killed(bucket: Bucket, step: str) -> None:
    """As soon as the lease is over."""
    with frozen(bucket, step) as child:
        child.kill()
        with INGEST.alone(places(bucket.url), PATIENT) as fenced:
            lake = go_on(fenced)
    assert lake.held() == [(0, offset) for offset in range(8)]
    assert verify(lake.places).ok


def test_nobody_takes_it_from_one_that_lives(bucket: Bucket) -> None:
    """A second start is refused with who has it, before the lease would be over."""
    with INGEST.alone(places(bucket.url)):
        seen = INGEST.holder(places(bucket.url))
        refused = pytest.raises(CheckpointError, match=f"process {os.getpid()} on")
        with refused, INGEST.alone(places(bucket.url)):
            pass
        assert (seen.is_held, seen.by and seen.by.holder.pid) == (True, os.getpid())
    assert holder(INGEST.lock(places(bucket.url))).is_held is False


@pytest.mark.slow
def test_one_that_was_frozen_goes_on_where_nobody_waited(bucket: Bucket) -> None:
    """However long it was."""
    with frozen(bucket, "planned", seconds=0.2) as child:
        still = Path(f"/proc/{child.pid}/stat").read_text().split()[2]
        child.send_signal(signal.SIGCONT)
        _, errors = child.communicate(timeout=60)
    assert (still, child.returncode, errors) == ("T", 0, "")
    assert Lake(places(bucket.url)).held() == [(0, offset) for offset in range(5)]


@pytest.mark.parametrize("query", [UPKEEP, IMPORT])
def test_a_lost_ledger_stops_no_query(lake: Lake, query: Query) -> None:
    """Its epoch is in each table that it wrote, whichever that is."""
    for name in TABLES:
        store.create(lake.places, TABLES[name])
    for _ in range(2):
        with query.alone(lake.places) as fenced:
            for name in TABLES:
                store.set_property(fenced, name, "logpond.x", "1")
                retried(fenced, name, lambda at, made=fenced: _fence(made, at))
    shutil.rmtree(lake.places.ledger(query.name))
    with query.alone(lake.places) as fenced:
        for name in TABLES:
            store.set_property(fenced, name, "logpond.x", "2")
    found = [store.open_table(lake.places, name).metadata().configuration for name in TABLES]
    assert [each["logpond.x"] for each in found] == ["2"] * len(TABLES)
