"""Rows go once per key, and the table says that they went."""

from __future__ import annotations

import pytest
from support.lakes import Lake, events

from lakehouse import store
from lakehouse.store import Key
from lakehouse.store.read import note_of
from lakehouse.tables.catalog import LOGS

KEY = Key("import/abc/logs", 1)


@pytest.fixture
def filled(lake: Lake) -> Lake:
    """Five rows in `logs`."""
    lake.put(events(range(5)))
    return lake


def test_rows_go_once(filled: Lake) -> None:
    """A repeat of the key removes nothing, whatever came meanwhile."""
    assert store.remove(filled.places, LOGS, "_offset < 2", KEY)
    filled.put(events([1]))
    assert not store.remove(filled.places, LOGS, "_offset < 2", KEY)
    assert filled.coordinates() == [(0, 1), (0, 2), (0, 3), (0, 4)]


def test_a_removal_of_nothing_is_noted_too(filled: Lake) -> None:
    """Else nobody could tell that it was done."""
    assert store.remove(filled.places, LOGS, "_offset > 9", KEY)
    table = store.open_table(filled.places, LOGS)
    assert (filled.count(), table.transaction_version(KEY.app)) == (5, KEY.version)


def test_the_history_says_whose_rows_went(filled: Lake) -> None:
    """By the same key."""
    store.remove(filled.places, LOGS, "_offset < 2", KEY)
    (newest,) = store.open_table(filled.places, LOGS).history(1)
    assert note_of(newest) == {"writer": KEY.app, "batch": KEY.version}
