"""What upkeep remembers of a table. Without it, closed hours are rewritten once more."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

import msgspec

from lakehouse.ingest.queries import UPKEEP
from lakehouse.paths import Places
from lakehouse.store import durable, objects


class Ledger(msgspec.Struct, frozen=True):
    """The files that are in order, by partition; when it was last vacuumed, and reconciled.

    `retained` is, by rule of retention, the first date that it last kept.
    """

    ordered: dict[str, list[str]] = {}
    vacuumed: datetime | None = None
    reconciled: datetime | None = None
    retained: dict[str, date] = {}

    @classmethod
    def of(cls, places: Places, table: str) -> Ledger:
        """Returns the saved ledger; an empty one where there is none that can be read."""
        content = objects.get(objects.reader(places.ledger(UPKEEP.name)), f"{table}.json")
        try:
            return msgspec.json.decode(content or b"{}", type=cls)
        except msgspec.DecodeError:
            return cls()

    def save(self, places: Places, table: str) -> None:
        """Writes the ledger in one atomic step."""
        folder = places.ledger(UPKEEP.name)
        durable.put(places, folder, f"{table}.json", msgspec.json.encode(self))

    def with_ordered(self, partition: str, files: Collection[str]) -> Ledger:
        """Returns the ledger with exactly these files of a partition in order."""
        return msgspec.structs.replace(self, ordered={**self.ordered, partition: sorted(files)})

    def of_partitions(self, names: Collection[str]) -> Ledger:
        """Returns the ledger without partitions that are gone."""
        kept = {name: files for name, files in self.ordered.items() if name in names}
        return msgspec.structs.replace(self, ordered=kept)

    def with_retained(self, rule: str, first: date) -> Ledger:
        """Returns the ledger with the first date that a rule has kept."""
        return msgspec.structs.replace(self, retained={**self.retained, rule: first})

    def with_reconcile(self, at: datetime) -> Ledger:
        """Returns the ledger with the time at which late rows were last counted."""
        return msgspec.structs.replace(self, reconciled=at)

    def with_vacuum(self, at: datetime) -> Ledger:
        """Returns the ledger with the time of a vacuum."""
        return msgspec.structs.replace(self, vacuumed=at)
