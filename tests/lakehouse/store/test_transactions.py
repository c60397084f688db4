"""What a table's log says of applications is known without reading all of it again."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.bucket import Bucket
from support.lakes import Lake, events

from lakehouse.errors import TableError
from lakehouse.paths import Places
from lakehouse.store import Key, Writer, open_table
from lakehouse.store.transactions import ANEW_EVERY, Transactions
from lakehouse.tables.catalog import LOGS

pytestmark = pytest.mark.slow

COMMITS = 2 * ANEW_EVERY + 3


def test_it_knows_what_deltalake_finds(lake: Lake) -> None:
    """After each commit, of whichever application; also after several that it did not see."""
    writer, kept = Writer(lake.places, LOGS), Transactions(lake.places, LOGS.name)
    apps = ("a", "b", "c")
    for number in range(COMMITS):
        writer.append(events([number]), Key(apps[number % 2], number))
        table = open_table(lake.places, LOGS)
        if number % 3:
            known = [kept.last(table, app) for app in apps]
            assert known == [table.transaction_version(app) for app in apps]


def test_an_older_version_is_not_mixed_up_with_the_newest(lake: Lake) -> None:
    """What is asked of the version before is answered by that one."""
    writer, kept = Writer(lake.places, LOGS), Transactions(lake.places, LOGS.name)
    for number in range(3):
        writer.append(events([number]), Key("a", number))

    versions = (3, 2, 3)
    found = [kept.last(open_table(lake.places, LOGS, version), "a") for version in versions]

    assert found == [2, 1, 2]


def test_a_commit_in_a_bucket_asks_for_the_same_however_long_the_log(bucket: Bucket) -> None:
    """Without a checkpoint in between, which is made every fiftieth time."""
    writer, requests = Writer(Places.at(bucket.url), LOGS), []
    for number in range(COMMITS):
        before = bucket.server.requests("lake")
        writer.append(events([number]), Key("a", number))
        requests.append((bucket.server.requests("lake") - before).total())

    assert requests[ANEW_EVERY - 4] == requests[2 * ANEW_EVERY - 4]


@pytest.mark.parametrize("later", [1, ANEW_EVERY])
def test_a_commit_that_is_written_over_is_noticed(lake: Lake, later: int) -> None:
    """By the next commit after it, or where Spark was slower by the next but nine."""
    writer, entries = Writer(lake.places, LOGS), lake.places.delta_log(LOGS)
    for number in range(ANEW_EVERY - 1):
        writer.append(events([number]), Key("other", number))
    writer.append(events([99]), Key("a", 1))
    for number in range(later - 1):
        writer.append(events([number]), Key("other", 100 + number))
    written_over(entries, ANEW_EVERY)

    with pytest.raises(TableError, match="is gone: another engine"):
        writer.append(events([100]), Key("a", 2))


def written_over(entries: str, version: int) -> None:
    """Puts the entry of the version before in place of an entry, as Spark would its own."""
    entry, before = (Path(entries) / f"{number:020d}.json" for number in (version, version - 1))
    entry.write_bytes(before.read_bytes())
