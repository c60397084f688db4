"""The boards of a lake, a file each: `<name>.json`. Of two who change one at once each is told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from analytics.reports import REPORTS
from analytics.web.boards.board import NAME, Board, flaw, parsed, written
from lakehouse.errors import LogpondError, SettingsError, TableError
from lakehouse.paths import Places
from lakehouse.store import durable, objects

MOST, MOST_BYTES, TRIES = 100, 65_536, 5
# Reports that are made of rows by a program of ours are no statement.
REPORTED = {name: report for name, report in REPORTS.items() if not report.fold}


class ChangedError(SettingsError):
    """Somebody else changed a board since it was looked at."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"somebody else has changed the board {name} since you opened it: this is how it is "
            "now, and your change is not in it",
            "make your change again",
        )


@dataclass(frozen=True)
class Kept:
    """A board as it is kept. `version` is of its content.

    `fault` says why it cannot be shown, or, where there is a board, which part of it cannot.
    """

    name: str
    content: bytes
    board: Board | None
    fault: LogpondError | None = None

    @property
    def version(self) -> str:
        """A text that no other content has."""
        return hashlib.sha256(self.content).hexdigest()[:16]

    @property
    def title(self) -> str:
        """Its title; its name where it cannot be read."""
        return self.board.title if self.board and self.board.title.strip() else self.name


class Boards:
    """All boards of a lake, as they are now, whoever wrote them."""

    def __init__(self, places: Places) -> None:
        self._places, self._place = places, places.boards

    def names(self) -> list[str]:
        """Returns the names of all of them; a file of another name is none."""
        found = objects.names(objects.reader(self._place), "")
        names = (name.removesuffix(".json") for name in found if name.endswith(".json"))
        return sorted(name for name in names if NAME.fullmatch(name))[:MOST]

    def all(self) -> list[Kept]:
        """Returns them by name."""
        found = map(self._read, self.names())
        return [kept for kept in found if kept]

    def get(self, name: str) -> Kept:
        """Returns a board. Raises TableError where there is none of that name."""
        kept = self._read(name) if NAME.fullmatch(name) else None
        if kept is None:
            raise TableError(f"there is no board {name[:40]!r}", "the page Boards lists them")
        return kept

    def create(self, name: str, board: Board) -> None:
        """Keeps a new board. Raises SettingsError for a name that is none, or taken."""
        if not NAME.fullmatch(name):
            raise SettingsError(
                f"{name[:60]!r} is no name of a board",
                "1 to 40 of a-z, 0-9, - and _, as in checkout-errors: it is the name of its file",
            )
        if len(self.names()) >= MOST:
            raise SettingsError(f"{MOST} boards are the most", "delete one first")
        if not durable.create(self._places, self._place, f"{name}.json", written(board)):
            raise SettingsError(f"there is a board {name} already", "give another name")

    def change(self, name: str, edit: Callable[[Board], Board], version: str = "") -> None:
        """Keeps a board as `edit` makes it.

        Raises ChangedError where it is not of `version`; without one the edit is of any.
        """
        for _ in range(TRIES):
            kept = self.get(name)
            if version and kept.version != version:
                raise ChangedError(name)
            if kept.board is None:
                raise kept.fault or ChangedError(name)
            content = written(edit(kept.board))
            if len(content) > MOST_BYTES:
                raise _too_large(len(content))
            was = kept.content
            if durable.swap(self._places, self._place, f"{name}.json", content, was):
                return
        raise ChangedError(name)

    def delete(self, name: str) -> None:
        """Deletes a board. Raises TableError where there is none of that name."""
        kept = self.get(name)
        objects.delete(objects.store(self._place), f"{kept.name}.json")

    def _read(self, name: str) -> Kept | None:
        at = objects.reader(self._place)
        size = objects.size(at, f"{name}.json")
        if size is not None and size > MOST_BYTES:
            return Kept(name, b"", None, _too_large(size))
        content = objects.get(at, f"{name}.json")
        if content is None:
            return None
        try:
            board = parsed(content)
            return Kept(name, content, board, flaw(board, REPORTED))
        except SettingsError as error:
            return Kept(name, content, None, error)


def _too_large(size: int) -> SettingsError:
    most = f"{MOST_BYTES:,} are the most of a board"
    return SettingsError(f"this file has {size:,} bytes, and {most}")
