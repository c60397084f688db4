"""Settings of how long rows are kept: by table, by source, by service, and copies of files."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lakehouse.server_settings import Section

Days = dict[str, Annotated[int, Field(ge=1)]]


class Retention(Section):
    """How long what is kept. A row goes by one rule: that of its service, else of its source, else
    of its table. Upkeep deletes what is older, counted in days back from the newest date of the
    table; `logpond retain --dry-run` shows what would go. As variables these are JSON.
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
