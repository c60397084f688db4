"""The tags of a lake, a small object each: `<table>/<name>.json`.

A tag is created only where there is none of its name, so of two at once one is kept. Deleting it
ends what it keeps: the next vacuum and the next trim take what only its version needs.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from deltalake import DeltaTable

from lakehouse.errors import SettingsError, TableError
from lakehouse.paths import Places
from lakehouse.store import durable, objects
from lakehouse.store.log import Log
from lakehouse.tables.tag import NAME, Tag

# Of one table: each keeps files and costs every vacuum some milliseconds.
MOST = 100
SUFFIX = ".json"


class Tags:
    """All tags of a lake, as they are now."""

    def __init__(self, places: Places) -> None:
        self._places, self._place = places, places.tags

    def of(self, table: str) -> list[Tag]:
        """Returns the tags of a table by version, the newest first; also those that are void."""
        at = objects.reader(self._place)
        names = objects.names(at, table) if NAME.fullmatch(table) else []
        read = (_parsed(objects.get(at, f"{table}/{name}")) for name in names)
        return sorted(filter(None, read), key=lambda tag: (-tag.version, tag.name))

    def all(self) -> list[Tag]:
        """Returns the tags of all tables, by table."""
        return [tag for table in sorted(self._tables()) for tag in self.of(table)]

    def get(self, table: str, name: str) -> Tag | None:
        """Returns the tag of a table by its name; None where there is none."""
        if not (NAME.fullmatch(table) and NAME.fullmatch(name)):
            return None
        return _parsed(objects.get(objects.reader(self._place), _object(table, name)))

    def valid(self, found: DeltaTable, table: str) -> list[Tag]:
        """Returns the tags whose version is the one that they were given to, the newest first.

        The others are void: of a table of that name that was deleted, or of a version that a crash
        of the machine took, whose number another one has now. `found` is the newest version.
        """
        log, table_id, newest = Log(self._places, table), str(found.metadata().id), found.version()
        return [
            tag
            for tag in self.of(table)
            if tag.table_id == table_id and tag.version <= newest and _is_same(log, tag)
        ]

    def absent(self, table: str, name: str) -> TableError:
        """Returns the error for a name that no version of a table has."""
        there = ", ".join(tag.name for tag in self.of(table)[:10])
        lists = f"`logpond tag {table}` lists them" if there else f"`logpond tag {table} {name}`"
        return TableError(
            f"no version of {table} has the name {name}",
            f"there are: {there}; {lists}" if there else f"{lists} gives it to the newest one",
        )

    def create(self, tag: Tag) -> Tag:
        """Keeps a tag, and returns it as it is kept. The same one again changes nothing.

        Raises SettingsError where another version has the name, or a table has too many.
        """
        if len(self.of(tag.table)) >= MOST:
            raise SettingsError(
                f"{MOST} versions of {tag.table} have names, which is the most",
                f"`logpond tag {tag.table}` lists them, and --delete takes one away",
            )
        name, content = _object(tag.table, tag.name), msgspec.json.encode(tag)
        if durable.create(self._places, self._place, name, content):
            return tag
        there = self.get(tag.table, tag.name)
        if there and (there.table_id, there.version) == (tag.table_id, tag.version):
            return there
        raise SettingsError(
            f"version {there.version if there else '?'} of {tag.table} has the name {tag.name}",
            f"give another, or take it away: `logpond tag {tag.table} {tag.name} --delete`",
        )

    def delete(self, table: str, name: str) -> bool:
        """Deletes a tag. Returns whether it was there."""
        if self.get(table, name) is None:
            return False
        objects.delete(objects.store(self._place), _object(table, name))
        return True

    def _tables(self) -> Iterator[str]:
        return (name for name in objects.folders(objects.reader(self._place)) if NAME.match(name))


def _object(table: str, name: str) -> str:
    return f"{table}/{name}{SUFFIX}"


def _parsed(content: bytes | None) -> Tag | None:
    try:
        return msgspec.json.decode(content or b"", type=Tag)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _is_same(log: Log, tag: Tag) -> bool:
    """Whether the commit of that number is the one that was tagged, or has been trimmed since."""
    stamp = log.stamped(tag.version)
    return stamp is None or stamp == tag.stamp
