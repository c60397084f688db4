"""Names of versions: given once, found by table and name, and never of another version."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.bucket import Bucket
from support.lakes import Lake, events
from support.pages import NAUGHTY

from lakehouse import store
from lakehouse.errors import LogpondError, SettingsError, TableError
from lakehouse.paths import Places
from lakehouse.store import durable
from lakehouse.store.log import Log, checkpoints
from lakehouse.store.read import OLDEST_PROPERTY
from lakehouse.store.tags import tags as module
from lakehouse.store.tags.naming import name_version, nearest, version_of
from lakehouse.store.tags.tags import Tags
from lakehouse.tables.tag import Tag

NO_NAMES = (
    *NAUGHTY,
    "",
    "12",
    "-1",
    "-10m",
    "2026-05-01",
    ".x",
    "a/b",
    "../x",
    "a" * 65,
    "é",
    "a\n",
)


@pytest.fixture
def grown(lake: Lake) -> Lake:
    """Versions 1 to 3 of `logs`, with a row more each."""
    for number in range(3):
        lake.put(events([number]))
    return lake


def named(places: Places, name: str, version: int, **facts: str) -> Tag:
    """A version of `logs` that has a name now."""
    return name_version(places, "logs", name, store.open_table(places, "logs", version), **facts)


def test_a_name_stands_for_its_version(grown: Lake) -> None:
    """With who gave it and why; a number stays one."""
    tag = named(grown.places, "before-deploy", 2, who="ann", note="release 1.4")
    assert version_of(grown.places, "logs", "before-deploy") == 2
    assert version_of(grown.places, "logs", "3") == 3
    assert Tags(grown.places).of("logs") == [tag]
    assert (tag.who, tag.note, tag.time) == (
        "ann",
        "release 1.4",
        Log(grown.places, "logs").time(2),
    )


@pytest.mark.parametrize("name", NO_NAMES)
def test_no_other_text_is_a_name(grown: Lake, name: str) -> None:
    """Not as a name, not as a version unless it is a number, and not as that of a table."""
    with pytest.raises(SettingsError):
        named(grown.places, name, 1)
    if not name.isdecimal():
        with pytest.raises(LogpondError):
            version_of(grown.places, "logs", name)
    assert Tags(grown.places).get("logs", name) is None
    assert Tags(grown.places).of(name) == []
    assert not Path(grown.places.tags).exists()


def test_a_name_that_nobody_gave_is_said_to_be_none(grown: Lake) -> None:
    """With those that there are."""
    named(grown.places, "monday", 1)
    with pytest.raises(TableError, match="no version of logs has the name tuesday") as error:
        version_of(grown.places, "logs", "tuesday")
    assert "monday" in error.value.remedy


def _one_of_eight(places: Places) -> list[int]:
    """Eight name eight versions alike, at once; the versions that got the name."""

    def give(version: int) -> int | None:
        try:
            return named(places, "now", version % 3 + 1).version
        except SettingsError:
            return None

    with ThreadPoolExecutor(8) as pool:
        return [version for version in pool.map(give, range(8)) if version is not None]


def test_of_many_at_once_one_version_gets_the_name(grown: Lake) -> None:
    """The others are told which has it."""
    won = {*_one_of_eight(grown.places)}
    assert won == {version_of(grown.places, "logs", "now")}
    with pytest.raises(SettingsError, match=f"version {min(won)} of logs has the name now"):
        named(grown.places, "now", min(won) % 3 + 1)


@pytest.mark.slow
def test_of_many_at_once_one_version_gets_the_name_in_a_bucket(bucket: Bucket) -> None:
    """A real S3; and the name can be taken away there."""
    lake = Lake(Places.at(bucket.url))
    for number in range(3):
        lake.put(events([number]))
    assert {*_one_of_eight(lake.places)} == {version_of(lake.places, "logs", "now")}
    assert [tag.name for tag in Tags(lake.places).all()] == ["now"]
    assert Tags(lake.places).delete("logs", "now")
    assert Tags(lake.places).all() == []


def test_the_same_again_changes_nothing(grown: Lake) -> None:
    """As after an answer that was lost."""
    first = named(grown.places, "now", 2, note="first")
    assert named(grown.places, "now", 2, note="second") == first


def test_a_name_can_be_taken_away(grown: Lake) -> None:
    """Once; then another version may have it."""
    named(grown.places, "now", 1)
    assert Tags(grown.places).delete("logs", "now")
    assert not Tags(grown.places).delete("logs", "now")
    assert named(grown.places, "now", 3).version == 3


def test_a_name_outlives_no_table(grown: Lake) -> None:
    """A table that was made anew has another version of that number."""
    named(grown.places, "now", 1)
    shutil.rmtree(grown.places.table("logs"))
    grown.put(events([0]))
    with pytest.raises(TableError, match="made anew since"):
        version_of(grown.places, "logs", "now")
    assert Tags(grown.places).valid(store.open_table(grown.places, "logs"), "logs") == []


def test_a_version_that_a_vacuum_has_noted_gets_no_name(grown: Lake) -> None:
    """It is about to delete files of it, and has looked for names already."""
    at = store.open_table(grown.places, "logs", 1)
    store.set_property(grown.places, "logs", OLDEST_PROPERTY, "3")
    with pytest.raises(TableError, match="version 1 of table logs is gone"):
        name_version(grown.places, "logs", "now", at)
    assert Tags(grown.places).all() == []


def test_a_named_version_has_a_checkpoint_of_its_own(grown: Lake) -> None:
    """So it needs no other entry of the log; the newest version is read as before."""
    named(grown.places, "now", 2)
    assert 2 in checkpoints(Log(grown.places, "logs").names())
    grown.put(events([9]))
    assert (grown.count(), store.open_table(grown.places, "logs").version()) == (4, 4)


def test_another_table_is_read_as_of_its_time(grown: Lake) -> None:
    """Where it has no version of that name itself."""
    tag = named(grown.places, "now", 2)
    assert nearest(grown.places, "traffic", "now") == tag
    with pytest.raises(TableError, match="no version of traffic has the name nix"):
        nearest(grown.places, "traffic", "nix")


def test_what_is_no_tag_is_passed_over(grown: Lake) -> None:
    """A file that somebody put there, or that a crash left half written."""
    named(grown.places, "now", 1)
    for name, content in (("logs/half.json", b'{"name"'), ("logs/x.txt", b"\xff")):
        durable.put(grown.places, grown.places.tags, name, content)
    assert [tag.name for tag in Tags(grown.places).all()] == ["now"]


def test_names_are_bounded(grown: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that runs wild keeps no table for ever."""
    monkeypatch.setattr(module, "MOST", 1)
    named(grown.places, "one", 1)
    with pytest.raises(SettingsError, match="which is the most"):
        named(grown.places, "two", 2)
