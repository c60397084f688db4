"""Erases what programs keep beside the tables: records that wait for Kafka, alerts that wait."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lakehouse.erasure.places import Handler
from lakehouse.store import objects

if TYPE_CHECKING:
    from lakehouse.erasure.request import Request
    from lakehouse.paths import Places


def unsent(places: Places, request: Request, dry_run: bool) -> int:
    """Records that wait for Kafka, of each topic."""
    from producer import spool

    topics = map(places.unsent, places.unsent_topics)
    return sum(spool.erase(folder, request.mentions.in_bytes, dry_run) for folder in topics)


def alerts(places: Places, request: Request, dry_run: bool) -> int:
    """Alerts that wait for a receiver, here or in the bucket of the lake."""
    from anomaly.alerts.outbox import Outbox

    most = 1 << 30  # nothing is dropped for want of room here
    boxes = (Outbox.of(places, receiver, most) for receiver in _receivers(places))
    return sum(box.erase(request.mentions.in_bytes, dry_run) for box in boxes)


def _receivers(places: Places) -> list[str]:
    there = (Path(name).stem for name in objects.names(objects.reader(places.outboxes), ""))
    far = {name.partition("-")[2] or "webhook" for name in there}
    return sorted({*places.receivers, *far})


OTHERS = (
    Handler(("unsent",), "records that wait for Kafka", unsent),
    Handler(("alerts", "outboxes"), "alerts that wait for a receiver", alerts),
)
