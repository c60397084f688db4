"""Every place in the lake: the one module that puts paths together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lakehouse.settings import Settings
from lakehouse.tables.catalog import Table


@dataclass(frozen=True)
class Places:
    """The root of the tables and the root of the checkpoints, each an absolute path or a URL."""

    lake: str
    checkpoints: str

    @classmethod
    def of(cls, settings: Settings) -> Places:
        """The places that the settings name; relative folders count from where you stand."""
        lake = _absolute(settings.lake)
        return cls(lake, _absolute(settings.checkpoints or f"{lake}/_checkpoints"))

    def table(self, table: Table | str) -> str:
        """The root of a Delta table."""
        return f"{self.lake}/{table if isinstance(table, str) else table.name}"

    def checkpoint(self, query: str) -> str:
        """Where Spark keeps the progress of a query."""
        return f"{self.checkpoints}/{query}"

    def ledger(self, query: str) -> str:
        """Beside the checkpoint: its manifest and the plans of its batches."""
        return f"{self.checkpoints}/{query}.ledger"

    def plans(self, query: str) -> str:
        """What a query is about to commit, a file a plan."""
        return f"{self.ledger(query)}/plans"

    @property
    def broker(self) -> str:
        """The data of the embedded broker, which belongs to this lake and no other."""
        return f"{self.lake}/_broker"

    @property
    def state(self) -> str:
        """What the local programs keep between runs: unsent records, labels, log files."""
        return _absolute(".logpond") if is_url(self.lake) else f"{self.lake}/_state"

    @property
    def raw(self) -> str:
        """Imported files: what was imported, and copies of them."""
        return f"{self.lake}/_raw"

    @property
    def alerts(self) -> str:
        """What waits for the webhook; on this machine, whose programs send it."""
        return f"{self.state}/alerts.sqlite"

    @property
    def mutes(self) -> str:
        """The keys that nobody wants to be told about; in the lake, for all that read it."""
        return f"{self.lake}/_state/mutes"


def is_url(place: str) -> bool:
    """Whether a place is a URL rather than a local folder."""
    return "://" in place


def _absolute(place: str) -> str:
    return place.rstrip("/") if is_url(place) else str(Path(place).expanduser().absolute())
