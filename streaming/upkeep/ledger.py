"""What upkeep remembers of a table. Lost, it costs one more rewrite of closed hours, no row."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import msgspec

from lakehouse.ingest.queries import UPKEEP
from lakehouse.paths import Places
from lakehouse.store import objects


class Ledger(msgspec.Struct, frozen=True):
    """The files that are in order, by partition, and when a vacuum last came by."""

    ordered: dict[str, list[str]] = {}
    vacuumed: datetime | None = None

    @classmethod
    def of(cls, places: Places, table: str) -> Ledger:
        """As it was saved; an empty one where there is none, or none that can be read."""
        content = objects.get(objects.reader(places.ledger(UPKEEP.name)), f"{table}.json")
        try:
            return msgspec.json.decode(content or b"{}", type=cls)
        except msgspec.DecodeError:
            return cls()

    def save(self, places: Places, table: str) -> None:
        """Write it down, in one atomic step."""
        folder = objects.store(places.ledger(UPKEEP.name))
        objects.put(folder, f"{table}.json", msgspec.json.encode(self))

    def with_ordered(self, partition: str, files: Collection[str]) -> Ledger:
        """With these files of a partition in order, and no others of it."""
        return msgspec.structs.replace(self, ordered={**self.ordered, partition: sorted(files)})

    def of_partitions(self, names: Collection[str]) -> Ledger:
        """Without partitions that are gone."""
        kept = {name: files for name, files in self.ordered.items() if name in names}
        return msgspec.structs.replace(self, ordered=kept)

    def with_vacuum(self, at: datetime) -> Ledger:
        """With a vacuum that came by."""
        return msgspec.structs.replace(self, vacuumed=at)
