"""Folds closed minutes of addresses as they come; what it knows outlives the process."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from deltalake import DeltaTable

from anomaly.addresses import Addresses, State
from anomaly.engine.config import Config
from anomaly.engine.incident import Incident, moment
from anomaly.lake.logs.addresses import minutes_of
from anomaly.lake.logs.counted import counted, spans
from lakehouse.ingest import queries
from lakehouse.paths import Places
from lakehouse.store import objects

# More rows at a time: fewer queries, and more memory.
SPAN_ROWS = 250_000
KEEP_MINUTES, KEPT = 10, 2
_FOLDER = "addresses"


class AddressWatch:
    """The addresses of a lake, from the newest state that was kept."""

    def __init__(self, places: Places, config: Config) -> None:
        self._places, self._config = places, config
        self._ledger = objects.store(places.ledger(queries.MINUTES.name))
        self.addresses = self._newest()

    def changes(self, closed: DeltaTable) -> Iterator[dict[str, Incident]]:
        """Fold the minutes closed since; the incidents that changed, by id, a span at a time.

        A state is kept once the next span is asked for, so when these incidents are written: what
        a crash left unwritten is folded again, and gives the same.
        """
        for changed in folded(self._places, closed, self.addresses):
            before = self._kept_at
            yield changed
            if self.addresses.folded_to // KEEP_MINUTES != before // KEEP_MINUTES:
                self._keep()

    def _newest(self) -> Addresses:
        kept = self._names()
        content = objects.get(self._ledger, f"{_FOLDER}/{kept[-1]}") if kept else None
        try:
            found = Addresses.load(self._config, msgspec.msgpack.decode(content or b"", type=State))
        except (msgspec.DecodeError, KeyError):
            found = Addresses(self._config)
        self._kept_at = found.folded_to
        return found

    def _keep(self) -> None:
        self._kept_at = self.addresses.folded_to
        content = msgspec.msgpack.encode(self.addresses.dump())
        objects.put(self._ledger, f"{_FOLDER}/{self._kept_at:010d}-{self._config.hash}", content)
        for name in self._names()[:-KEPT]:
            objects.delete(self._ledger, f"{_FOLDER}/{name}")

    def _names(self) -> list[str]:
        found = objects.names(self._ledger, _FOLDER)
        return sorted(name for name in found if name.endswith(f"-{self._config.hash}"))


def folded(
    places: Places, closed: DeltaTable, addresses: Addresses
) -> Iterator[dict[str, Incident]]:
    """What changes by each span of closed minutes that these addresses have not folded yet."""
    after = moment(addresses.folded_to) if addresses.folded_to >= 0 else None
    new = [*spans(closed, after, SPAN_ROWS)]
    if not new:
        return
    with counted(places, closed) as rows:
        for span in new:
            changes = [
                change
                for minute in minutes_of(rows, span, addresses.config.addresses)
                for change in addresses.fold(minute)
            ]
            yield {change.incident_id: change for change in changes}
