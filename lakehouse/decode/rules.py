"""What a record must have, by the source that it is of. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from lakehouse.decode.wire import NAMES
from lakehouse.formats.reading import Reading


class Rules(NamedTuple):
    """How records of a source are judged.

    `on_missing_time` says whose time an event gets that tells none, or none that can be read:
    `reject` (it is rejected), `broker` (that of its record) or `previous` (of the event before it;
    where none was, `first_time`, which is from `first_time_from`).
    `on_long_text` says what becomes of an event with a text over its budget: `cut` or `reject`.
    `headers` says which headers of a record become attributes: all, none, or those of these names.
    `names` are the fields that keys of records give by another name.
    `service` is that of events that name none; `source` is noted in each row.
    """

    on_missing_time: str = "reject"
    service: str | None = None
    source: str | None = None
    first_time: datetime | None = None
    first_time_from: str = ""
    on_long_text: str = "cut"
    headers: bool | tuple[str, ...] = True
    names: Mapping[str, str] = {}

    @classmethod
    def of(cls, reading: Reading | None) -> Rules:
        """The rules for records that are read so; strict ones for those that nobody described."""
        if reading is None:
            return cls()
        return cls(
            reading.on_missing_time,
            reading.constants.get("service") or reading.default_service or None,
            reading.source or None,
            datetime.fromisoformat(reading.first_time) if reading.first_time else None,
            reading.first_time_from,
            reading.on_long_text,
            reading.headers,
            reading.mapping,
        )

    @property
    def required(self) -> tuple[str, ...]:
        """The fields that a message must have."""
        time = ("timestamp",) if self.on_missing_time == "reject" else ()
        return time if self.service else (*time, "service")

    @property
    def places(self) -> tuple[int, ...]:
        """Their places among the fields of an event."""
        return tuple(NAMES.index(name) for name in self.required)
