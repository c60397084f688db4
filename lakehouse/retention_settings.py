"""Settings of how long rows are kept: by table, by source, by service, and copies of files."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from lakehouse.server_settings import Section


def _check_names(days: dict[str, int]) -> dict[str, int]:
    if not all(name.strip() for name in days):
        raise ValueError("a name is empty: give days by name, as {debug = 7}, or leave it out")
    return days


Days = Annotated[dict[str, Annotated[int, Field(ge=1)]], AfterValidator(_check_names)]


class Retention(Section):
    """How long what is kept. A row goes by one rule: that of its service, else of its source, else
    of its table. Upkeep deletes what is older, counted in days back from the newest date of the
    table; `logpond retain --dry-run` shows what would go. A variable has them as
    JSON, or as here: {debug = 7}.
    """

    tables: Days = Field(default_factory=dict)
    """Days by table, as {logs = 90, quarantine = 30, traffic = 400}. A table that is not named is
    kept as upkeep.retain_days says.
    """
    sources: Days = Field(default_factory=dict)
    """Days by source (`_source`), of rows in logs and quarantine: {web-logs = 30}."""
    services: Days = Field(default_factory=dict)
    """Days by service, of rows in logs: {debug = 7, audit = 365}. Windows and incidents stay."""
    raw_days: Annotated[int, Field(ge=0)] = 0
    """Days for copies of imported files, since they were imported. 0: for ever. What a file was is
    known after it; its rows go by the rules above.
    """
