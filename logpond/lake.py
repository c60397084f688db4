"""A lake as a value: what it holds, now or at any moment that its tables still know."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from analytics.look import diff, history
from analytics.reports import REPORTS, run
from anomaly.commands.series import constants
from anomaly.lake.incidents import incident_named
from anomaly.review.explain import Explained
from anomaly.rules.folder import folder_of, rules_in
from lakehouse import settings
from lakehouse.errors import SettingsError, TableError
from lakehouse.paths import Places
from lakehouse.query import pinned, search
from lakehouse.query.ask import ask
from lakehouse.storage import connection
from lakehouse.store import open_table
from lakehouse.store.tags.tags import Tags
from lakehouse.tables.catalog import NEWEST_FIRST
from lakehouse.terminal.times import Moment, moment, time
from logpond.answer import Answer
from logpond.arguments import Time, as_text, checked

if TYPE_CHECKING:
    from analytics.look.diff import Difference
    from analytics.look.history import Overview, Version
    from lakehouse.settings import Settings
    from lakehouse.tables.tag import Tag

INCIDENTS = "SELECT * FROM anomalies ORDER BY opened DESC, incident_id"
NEWEST = f"SELECT * FROM logs ORDER BY {NEWEST_FIRST} LIMIT"


class Lake:
    """The tables of one lake; each question reads them anew, so that an answer is never old.

    Where a method takes `version` or `as_of`, every table is read as it was then: `version` counts
    commits of a table, or is a name that `logpond tag` gave; `as_of` is a time of Python (naive
    means UTC, a date its first instant, a timedelta so long ago), or text as on the command line:
    RFC 3339, a date, `-10m`, or such a name. Raises SettingsError for what is asked, also for
    arguments of a wrong type, TableError for a table or a state that is not there, StorageError for
    a bucket.
    """

    def __init__(self, found: Settings, may_name_files: bool = True) -> None:
        """Takes settings as they are loaded; see `logpond.open`.

        Statements may read data files that they name, unless somebody else writes them.
        """
        self._settings, self._places = found, Places.of(found)
        self._may_name_files = may_name_files

    @property
    def location(self) -> str:
        """The folder or the URL of the lake."""
        return self._places.lake

    def __repr__(self) -> str:
        return f"logpond.open({self.location!r})"

    @checked
    def sql(
        self,
        statement: str,
        *,
        where: str | None = None,
        version: int | str | None = None,
        as_of: Time = None,
    ) -> Answer:
        """Returns the rows of one statement that reads, in DuckDB's SQL.

        Of `logs` it sees the rows that fit `where`, in the query language of Explore
        (docs/search.md). What it may take is in [sql] of the settings.
        """
        at, tree = _moment(version, as_of), _tree(where)
        limits, may = self._settings.sql, self._may_name_files
        return Answer(at, ask(self._places, statement, at, None, limits, tree, may))

    @checked
    def search(
        self,
        query: str = "",
        *,
        limit: int = 100,
        version: int | str | None = None,
        as_of: Time = None,
    ) -> Answer:
        """Returns the newest rows of `logs` that fit a query (docs/search.md), newest first."""
        return self.sql(f"{NEWEST} {int(limit)}", where=query or None, version=version, as_of=as_of)

    @checked
    def tables(self) -> list[Overview]:
        """Returns every table as it is now: rows, files, bytes, version."""
        return history.overviews(self._places)

    @checked
    def versions(self, *, as_of: Time = None) -> dict[str, int]:
        """Returns at which version each table is, or was at a time; none that had not begun."""
        found, at = dict[str, int](), _moment(None, as_of)
        for name in pinned.names(self._places):
            with suppress(TableError):
                found[name] = pinned.pin(self._places, [name], at)[name].version
        return found

    @checked
    def history(self, table: str, limit: int = 100) -> list[Version]:
        """Returns the newest versions of a table, newest first, then older ones with a name."""
        return history.versions(self._places, table, limit)

    @checked
    def tags(self, table: str) -> list[Tag]:
        """Returns the names that versions of a table have, the newest version first."""
        return Tags(self._places).valid(open_table(self._places, table), table)

    @checked
    def diff(self, table: str, before: int | str, after: int | str) -> Difference:
        """Returns what changed in a table from one version to another."""
        first, second = (
            pinned.version_of(self._places, table, str(one)) for one in (before, after)
        )
        return diff.diff(self._places, table, first, second)

    @checked
    def incidents(self, *, version: int | str | None = None, as_of: Time = None) -> Answer:
        """Returns the rows of `anomalies`, one an incident, the newest first (docs/tables.md)."""
        return self.sql(INCIDENTS, version=version, as_of=as_of)

    @checked
    def explain(self, incident_id: str) -> str:
        """Returns what an incident was computed from, as `logpond explain` says it.

        The first digits of its id are enough where no other begins so.
        """
        own = rules_in(folder_of(self._settings))
        incident = incident_named(self._places, incident_id)
        return "\n".join(Explained(self._places, incident, constants(None), own).render())

    @checked
    def report(
        self,
        name: str,
        *,
        since: Time = None,
        limit: int = 20,
        version: int | str | None = None,
        as_of: Time = None,
    ) -> Answer:
        """Returns the rows of a report, over rows since a time or over all of them."""
        if name not in REPORTS:
            raise SettingsError(f"there is no report {name}", f"there are: {', '.join(REPORTS)}")
        at, limits, now = _moment(version, as_of), self._settings.sql, datetime.now(UTC)
        text = as_text(since, now, "since")
        first = None if text is None else time(text, now, "since")
        return Answer(at, run(REPORTS[name], self._places, first, limit, at, limits=limits))


@checked
def open(lake: str | os.PathLike[str] | None = None) -> Lake:
    """Returns a lake: a folder or a URL, by default the one that the settings name.

    How a bucket is reached is in the settings too (`LOGPOND_STORAGE_*`), as for every command.
    Nothing is read yet. Raises SettingsError, which lists every fault.
    """
    found = settings.load(lake=None if lake is None else os.fsdecode(lake))
    if Places.of(found).is_in_a_bucket:
        connection.publish(found.storage)
    return Lake(found)


def _moment(version: int | str | None, as_of: Time) -> Moment:
    now = datetime.now(UTC)
    then = as_text(as_of, now, "as_of")
    return moment(None if version is None else str(version), then, now)


def _tree(where: str | None) -> search.Node | None:
    return (search.parse(where, datetime.now(UTC)) if where else None) or None
