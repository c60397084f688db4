"""The tables of a lake, each pinned to one version."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from deltalake import DeltaTable

from lakehouse import past, store
from lakehouse.errors import TableError
from lakehouse.past import State
from lakehouse.paths import DELTA_LOG, Places, is_url
from lakehouse.store.log import Log
from lakehouse.store.tags.naming import nearest
from lakehouse.tables.catalog import LOGS, TABLES
from lakehouse.tables.tag import number_or_name
from lakehouse.terminal.times import Moment

FILL = "fill a lake with `make demo`, or name another with --lake"


def names(places: Places) -> list[str]:
    """The tables that are there: ours first, then, in a folder, any other Delta table."""
    if is_url(places.lake):
        return [name for name in TABLES if store.table_or_none(places, name)]
    found = (log.parent.name for log in Path(places.lake).glob(f"*/{DELTA_LOG}"))
    # nobody can ask for a name that is no UTF-8
    there = sorted(name for name in found if name.isprintable())
    ours = [name for name in TABLES if name in there]
    return ours + [name for name in there if name not in TABLES]


def readable(places: Places) -> list[str]:
    """Returns the tables without others' that cannot be read. Raises TableError for one of ours."""
    return [name for name in names(places) if name in TABLES or _is_readable(places, name)]


def _is_readable(places: Places, name: str) -> bool:
    try:
        return store.table_or_none(places, name) is not None
    except TableError:
        return False


def known(places: Places, name: str) -> str | None:
    """The table of a name, in whatever case; None where there is none."""
    return next((one for one in names(places) if one.lower() == name.lower()), None)


def pin(places: Places, wanted: Iterable[str], moment: Moment) -> dict[str, State]:
    """Each table at a moment; TableError where one has no such state, and says which it has.

    It is the one place where statements and comparisons find the state of a table.
    """
    return {name: _pinned(places, name, moment) for name in wanted}


def refuse_unknown(places: Places, moment: Moment) -> None:
    """Raises TableError for a name that no version has, whatever tables are read."""
    if moment.name:
        nearest(places, LOGS.name, moment.name)


def version_of(places: Places, name: str, text: str, given_as: str = "--version") -> int:
    """Returns the version of a table that a text is the number or the name of.

    A table that has no version of the name itself is taken as of the time of the one that has.
    Raises SettingsError for a text that is neither, TableError where there is no such name, or no
    such table.
    """
    asked = number_or_name(text, given_as)
    if isinstance(asked, int):
        return asked
    if name not in names(places):
        raise absent(places, name)
    return _pinned(places, name, Moment(name=asked)).version


def nameable(places: Places, name: str, moment: Moment) -> DeltaTable:
    """Returns a table at a moment whose version may have a name, as it has files of its own.

    Raises TableError where only the ledger reads it, and for what `pin` does.
    """
    found = _pinned(places, name, moment)
    if found.past:
        raise TableError(
            f"version {found.version} of {name} cannot have a name: Delta has not kept it, and a "
            "name could keep no files of it",
            "the ledger reads it from the rows of now, as long as these are there: give --version "
            f"{found.version} where the name would stand",
        )
    return found.table


def absent(places: Places, name: str) -> TableError:
    """Returns the error for a table that does not exist."""
    there = names(places)
    if not there:
        return TableError(f"the lake {places.lake} holds no table yet", FILL)
    return TableError(
        f"there is no table {name} in {places.lake}", f"there are: {', '.join(there)}"
    )


def _pinned(places: Places, name: str, moment: Moment) -> State:
    if moment.name:
        tag = nearest(places, name, moment.name)
        if tag.table == name:
            return past.state(places, name, version=tag.version)
        return past.state(places, name, as_of=tag.time)
    if moment.version is None:
        return past.state(places, name, as_of=moment.as_of)
    try:
        return past.state(places, name, version=moment.version)
    except TableError as error:
        newest = store.open_table(places, name).version()
        oldest = past.oldest(places, name, Log(places, name).oldest())
        if oldest <= moment.version <= newest:
            raise
        raise TableError(
            f"table {name} has no version {moment.version}",
            f"versions {oldest} to {newest} can be read; see `logpond history {name}`",
        ) from error
