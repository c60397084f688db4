"""Questions that are kept under a name, in the lake, for all that look at it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

import msgspec

from lakehouse.errors import SettingsError, TableError
from lakehouse.paths import Places
from lakehouse.store import durable, objects

LONGEST_NAME, LONGEST_STATEMENT, MOST = 80, 4000, 500


class Kept(msgspec.Struct, frozen=True):
    """A statement with its name, and who kept it when."""

    name: str
    statement: str
    who: str
    at: datetime


class KeptQuestions:
    """All kept questions of a lake, one small object each; a name has one statement.

    What else is kept so says what it is, where it is kept and on which page it is seen.
    """

    noun, page, most = "question", "SQL", MOST

    def __init__(self, places: Places) -> None:
        self._places, self._place = places, self.place(places)

    def place(self, places: Places) -> str:
        """Returns where they are kept."""
        return places.questions

    def all(self) -> list[Kept]:
        """Returns them by name."""
        return sorted(self._read(), key=lambda one: (one.name.lower(), one.name))

    def get(self, name: str) -> Kept:
        """Returns the question of a name. Raises TableError where there is none."""
        return self._found(name)[1]

    def keep(self, one: Kept) -> None:
        """Keeps a question, in place of an earlier one of its name. Raises SettingsError."""
        if not one.name or len(one.name) > LONGEST_NAME or not one.name.isprintable():
            raise SettingsError(
                f"a name has 1 to {LONGEST_NAME} printable characters", "give another name"
            )
        if not one.statement.strip() or len(one.statement) > LONGEST_STATEMENT:
            raise SettingsError(f"a {self.noun} has 1 to {LONGEST_STATEMENT:,} characters")
        if sum(other.name != one.name for other in self._read()) >= self.most:
            raise SettingsError(f"{self.most} {self.noun}s are kept already", "delete one first")
        durable.put(self._places, self._place, _object(one.name), msgspec.json.encode(one))

    def delete(self, name: str) -> None:
        """Deletes the question of a name. Raises TableError where there is none."""
        objects.delete(objects.reader(self._place), self._found(name)[0])

    def _found(self, name: str) -> tuple[str, Kept]:
        """The file that has a question of this name, and the question.

        What `erase` has taken out of a name is in its file, not in the name of that.
        """
        at = objects.reader(self._place)
        for file in (_object(name), *objects.names(at, "")):
            one = _parsed(objects.get(at, file))
            if one and one.name == name:
                return file, one
        raise TableError(
            f"no {self.noun} is kept under the name {name[:LONGEST_NAME]!r}",
            f"see the page {self.page}",
        )

    def _read(self) -> Iterator[Kept]:
        at = objects.reader(self._place)
        found = (_parsed(objects.get(at, name)) for name in objects.names(at, ""))
        return filter(None, found)


def _parsed(content: bytes | None) -> Kept | None:
    try:
        return msgspec.json.decode(content or b"", type=Kept)
    except msgspec.DecodeError:
        return None


def _object(name: str) -> str:
    """Returns a file name for a name, which may hold any characters."""
    return f"{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:16]}.json"
