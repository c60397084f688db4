"""Gives a version a name, and finds the version of a name.

What keeps a named version is its tag: a vacuum keeps its files, a trim its checkpoint, which is
made when it is named. The tag comes first, then it is looked whether the version is still whole; a
vacuum notes first what it ends, and then looks for tags. So of the two at least one sees the other.
"""

from __future__ import annotations

from datetime import UTC, datetime

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from lakehouse.errors import SettingsError, TableError
from lakehouse.paths import Places
from lakehouse.store.durable import sync_checkpoints
from lakehouse.store.log import Log, checkpoints
from lakehouse.store.read import oldest_kept, open_table
from lakehouse.store.tags.tags import Tags
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.tag import NAME, NOTE_MOST, Tag, checked, number_or_name
from lakehouse.terminal.render import escaped
from lakehouse.terminal.times import TIMES


def name_version(
    places: Places, table: str, name: str, at: DeltaTable, who: str = "", note: str = ""
) -> Tag:
    """Names the version at which a table was opened, and returns the tag as it is kept.

    Raises SettingsError for a name that is none, or that another version has; TableError where the
    version is gone meanwhile.
    """
    if not NAME.fullmatch(table):
        raise SettingsError(f"versions of {escaped(table[:40])!r} cannot have names", "")
    if len(note) > NOTE_MOST:
        raise SettingsError(f"the note is longer than {NOTE_MOST} characters", "shorten it")
    tags, version, log = Tags(places), at.version(), Log(places, table)
    others = [tag for tag in tags.valid(open_table(places, table), table) if tag.version == version]
    tag = Tag(
        name=checked(name),
        table=table,
        version=version,
        time=others[0].time if others else log.time(version),
        table_id=str(at.metadata().id),
        stamp=log.stamped(version),
        made=datetime.now(UTC).replace(microsecond=0),
        who=escaped(who),
        note=escaped(note),
    )
    kept = tags.create(tag)
    if hold(places, table, version) and _is_whole(places, table, tag):
        return kept
    if kept is tag:
        tags.delete(table, name)
    raise TableError(
        f"version {version} of table {table} is gone: upkeep has just taken files of it",
        f"name a newer one; see `logpond history {table}`",
    )


def _is_whole(places: Places, table: str, tag: Tag) -> bool:
    """Whether all files of a version are there: none was deleted yet, or another name keeps it."""
    newest = open_table(places, table)
    others = (one for one in Tags(places).valid(newest, table) if one.name != tag.name)
    return tag.version >= oldest_kept(newest) or tag.version in {one.version for one in others}


def hold(places: Places, table: str, version: int) -> bool:
    """Gives a version a checkpoint of its own, so that it needs no other entry of the log.

    Returns whether it has one; it has none where the version cannot be read any more.
    """
    if version in checkpoints(Log(places, table).names()):
        return True
    try:
        found = open_table(places, table)
        found.load_as_version(version)
        found.create_checkpoint()
    except (TableError, DeltaError, ValueError):
        return False
    sync_checkpoints(places, table, [version])
    return True


def version_of(places: Places, table: str, text: str, given_as: str = "--version") -> int:
    """Returns the version of a table that a text is the number or the name of.

    Raises SettingsError for a text that is neither, TableError where no version has the name.
    """
    asked = number_or_name(text, given_as)
    if isinstance(asked, int):
        return asked
    tag = Tags(places).get(table, asked)
    if tag is None:
        raise Tags(places).absent(table, asked)
    return _valid(places, tag).version


def nearest(places: Places, table: str, name: str) -> Tag:
    """Returns the tag of this name that says at which state a table is read.

    It is its own; else that of `logs`, or of another table, at whose time it is read then. Raises
    TableError where no table has it, or its version is another one by now.
    """
    tags = Tags(places)
    own = tags.get(table, name) or tags.get(LOGS.name, name)
    found = own or next((tag for tag in tags.all() if tag.name == name), None)
    if found is None:
        absent = tags.absent(table, name)
        raise TableError(absent.what, f"{absent.remedy}; it is not a time: write one as {TIMES}")
    return _valid(places, found)


def _valid(places: Places, tag: Tag) -> Tag:
    if tag not in Tags(places).valid(open_table(places, tag.table), tag.table):
        raise TableError(
            f"the name {tag.name} was of a version {tag.version} of {tag.table} that is there no "
            "more: the table was made anew since, or went back behind it",
            f"take it away: `logpond tag {tag.table} {tag.name} --delete`",
        )
    return tag
