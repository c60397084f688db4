"""Scanners of every kind are found among visitors, in whatever order their lines came."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from anomaly.commands.series import constants
from anomaly.engine.incident import Incident
from anomaly.lake.fold import analyse
from anomaly.lake.incidents import incidents
from benchmarks.scanners import KINDS, judged, played
from benchmarks.staged import Show
from lakehouse import store
from lakehouse.errors import SettingsError
from lakehouse.paths import Places
from lakehouse.tables.rollups import MINUTES

pytestmark = pytest.mark.slow

SEED = 77
FEW = Show(SEED, 2.0, 70)


def shuffled(records: list[bytes]) -> list[bytes]:
    """In no order."""
    Random(SEED).shuffle(records)
    return records


@pytest.mark.parametrize("kind", KINDS)
def test_a_scanner_is_found_and_nobody_else_is_taken_for_one(kind: str) -> None:
    """Within ten minutes, in a lake that is twenty minutes old or new."""
    after, false = played(KINDS[kind], FEW)

    assert (after or 9_999) <= 600
    assert false == []


@pytest.mark.parametrize("order", [lambda records: records[::-1], shuffled])
def test_the_order_of_lines_changes_nothing(
    tmp_path: Path, order: Callable[[list[bytes]], list[bytes]]
) -> None:
    """Backwards, and shuffled: the same incidents, to the digit."""
    kind = KINDS["half redirects, 4 % 404"]

    def found(name: str, change: Callable[[list[bytes]], list[bytes]]) -> list[Incident]:
        places = Places(str(tmp_path / name), str(tmp_path / f"{name}_checkpoints"))
        return judged(places, kind, FEW, change)

    assert found("other", order) == found("plain", list) != []


def test_history_says_what_live_said(tmp_path: Path) -> None:
    """A fold of all minutes from the first one on."""
    places = Places(str(tmp_path / "lake"), str(tmp_path / "checkpoints"))
    judged(places, KINDS["spread over 50 addresses"], FEW)
    again = analyse(places, store.open_table(places, MINUTES.name), constants(None))

    assert sorted(incidents(places), key=lambda one: (one.opened, one.incident_id)) == [
        one for one in again if one.measure == "address"
    ]


def test_crawlers_of_a_list_are_no_scanners(tmp_path: Path) -> None:
    """The ranges that a search engine publishes, or a network a line."""
    (tmp_path / "one.json").write_text('{"prefixes": [{"ipv4Prefix": "203.0.113.0/24"}]}')
    (tmp_path / "two.txt").write_text("# ours\n198.51.100.0/24  # the proxy\n")
    file = tmp_path / "anomaly.toml"
    file.write_text('[addresses]\ncrawlers = ["one.json", "two.txt"]\n')

    assert constants(file).addresses.ignore == ("203.0.113.0/24", "198.51.100.0/24")
    (tmp_path / "two.txt").write_text("203.0.113.300\n")
    with pytest.raises(SettingsError, match=r"two\.txt"):
        constants(file)
