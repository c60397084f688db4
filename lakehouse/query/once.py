"""`logs_once`: the rows of `logs`, of those with one `event_id` the first that Kafka took.

A sender that had no answer sends again, so that an event can be there twice; it says that it is
the same one by its `event_id`.
"""

from __future__ import annotations

from lakehouse.tables.catalog import LOGS

ONCE = "logs_once"
_ORDER = "_kafka_timestamp, _topic, _partition, _offset, _item"


def is_once(name: str) -> bool:
    """Whether a table is missed that is this view."""
    return name.lower() == ONCE


def select(leaving_out: str) -> str:
    """Returns its query; engines have another word for all columns but one."""
    numbered = f"row_number() OVER (PARTITION BY event_id ORDER BY {_ORDER}) AS _copy"
    return (
        f"SELECT * {leaving_out} (_copy) FROM (SELECT *, {numbered} FROM {LOGS.name})"
        " WHERE _copy = 1"
    )
