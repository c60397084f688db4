"""`restore` brings an older version back as a new one, and forgets nothing that must be known."""

from __future__ import annotations

import pytest
from support.aging import age, day
from support.asked import rows_at
from support.lakes import QUERY, TABLES, Lake, events

from lakehouse import maintenance, store
from lakehouse.errors import CheckpointError, TableError
from lakehouse.proof.verify import verify
from lakehouse.store.lock import alone
from lakehouse.store.read import oldest_kept
from lakehouse.tables.catalog import LOGS
from streaming.repair.recover import recover


def test_the_newest_version_has_the_older_rows(running: Lake) -> None:
    """It is a new version; the one that was the newest can still be read."""
    told = maintenance.restore(running.places, "logs", 1)

    assert (told.before.version, told.after.version) == (2, 3)
    assert (told.before.rows, told.after.rows) == (7, 4)
    assert running.count() == 4
    assert store.open_table(running.places, LOGS, version=2).count() == 7


def test_what_is_lacking_then_is_a_gap(running: Lake) -> None:
    """Verify does not take a restored table for a whole one."""
    maintenance.restore(running.places, "logs", 1)
    assert verify(running.places).gaps == 3


def test_transactions_stay(running: Lake) -> None:
    """A batch that came after the version is done, so only `recover` brings it again."""
    maintenance.restore(running.places, "logs", 1)

    writers = {t.name: store.Writer(running.places, t) for t in TABLES}
    assert writers["logs"].last(f"{running.manifest.query_id}/logs") == 1
    done = recover(
        running.places, QUERY, [running.topic], {running.topic.name: {0: 0}}, writers, TABLES, 1
    )
    assert (done.start, done.held) == ({"web-logs": {0: 5}}, {"web-logs": {0: 7}})


def test_the_point_of_retain_stays(lake: Lake) -> None:
    """Rows that come back below it are tolerated."""
    for on in (1, 10):
        lake.put(rows_at(day(on), range(on, on + 5)))
    maintenance.retain(lake.places, "logs", days=1)
    first = maintenance.retained_from(store.open_table(lake.places, LOGS))
    maintenance.restore(lake.places, "logs", 2)

    assert lake.count() == 10
    assert maintenance.retained_from(store.open_table(lake.places, LOGS)) == first is not None


def test_what_a_vacuum_noted_stays(running: Lake) -> None:
    """Versions whose files are gone are still refused in words."""
    maintenance.optimize(running.places, "logs")
    age(running, hours=200)
    kept = maintenance.vacuum(running.places, "logs").after.oldest_version
    running.put(events([50]))
    newest = store.open_table(running.places, LOGS).version()
    maintenance.restore(running.places, "logs", kept)

    assert newest > kept == oldest_kept(store.open_table(running.places, LOGS))
    with pytest.raises(TableError, match="can be read, but not restored"):
        maintenance.restore(running.places, "logs", 1)


@pytest.mark.parametrize("version", [2, 3, -1], ids=["newest", "none yet", "never"])
def test_a_version_that_is_none_to_go_back_to_is_refused(running: Lake, version: int) -> None:
    """In words, and nothing is committed."""
    with pytest.raises(TableError):
        maintenance.restore(running.places, "logs", version)
    assert store.open_table(running.places, LOGS).version() == 2


@pytest.mark.parametrize("table", ["logs", "quarantine"])
def test_it_is_refused_while_ingest_runs(running: Lake, table: str) -> None:
    """Its next batch would be on top of what it believes to be there."""
    with (
        alone(running.places.ledger(QUERY), "the ingest query"),
        pytest.raises(CheckpointError, match="runs already"),
    ):
        maintenance.restore(running.places, table, 1)
    assert running.count() == 7
