"""The application transactions of a table, kept while its log grows.

deltalake keeps none: each time it is asked for one, it reads all entries since the last checkpoint
again, up to fifty requests in a bucket (decision 54). Here each new entry is read once.
"""

from __future__ import annotations

from deltalake import DeltaTable

from lakehouse.paths import Places
from lakehouse.store.log import Log

# After so many versions all is read again: another engine may have written over an old entry.
ANEW_EVERY = 10


class Transactions:
    """What the newest entry of each application says, for one who opens a table again and again."""

    def __init__(self, places: Places, table: str) -> None:
        self._log, self._version = Log(places, table), -1
        self._known: dict[str, int | None] = {}

    def last(self, table: DeltaTable, app: str) -> int | None:
        """Returns the version that an application has set, in the table as it was opened.

        None where it has set none.
        """
        self._follow(table.version())
        if app not in self._known:
            self._known[app] = table.transaction_version(app)
        return self._known[app]

    def _follow(self, version: int) -> None:
        before, self._version = self._version, version
        is_due = version < before or version // ANEW_EVERY != before // ANEW_EVERY
        if is_due or not all(map(self._takes, range(before + 1, version + 1))):
            self._known = {}

    def _takes(self, version: int) -> bool:
        """Takes in the entry of a version. Returns whether it is there."""
        actions = self._log.actions(version)
        for action in actions or ():
            if transaction := action.get("txn"):
                self._known[str(transaction["appId"])] = int(transaction["version"])
        return actions is not None
