"""What a checkpoint was made for: the topics that it reads, its place, its tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from lakehouse.formats.reading import Reading
from lakehouse.ingest.offsets import Offsets, TopicOffsets


class TopicPast(msgspec.Struct, frozen=True):
    """The records that were taken of a topic that is read no more: [first, end) of each partition.

    Up to `held` more of them may be in the tables.
    """

    topic: str
    topic_id: str
    first: Offsets
    end: Offsets
    held: Offsets = {}


class Subscription(msgspec.Struct, frozen=True):
    """A topic that is read.

    `first` is where the promise begins, `start` where this checkpoint does; up to `held` records
    may be in the tables already (after `recover`). `reading` is how the last start read it.
    """

    topic_id: str
    first: Offsets
    start: Offsets
    held: Offsets = {}
    reading: Reading | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a checkpoint was made for; `past` are topics that are read no more."""

    query: str
    query_id: str
    location: str
    topics: dict[str, Subscription]
    columns: dict[str, dict[str, str]]
    past: list[TopicPast] = []
    decode_version: int
    created_at: datetime

    @property
    def start(self) -> TopicOffsets:
        """Returns the offsets that it starts at, by topic."""
        return {name: of.start for name, of in self.topics.items()}

    @property
    def readings(self) -> dict[str, Reading]:
        """Returns how each topic is read, for those of which it is known."""
        return {name: of.reading for name, of in self.topics.items() if of.reading}

    @property
    def ids(self) -> dict[str, str]:
        """Returns the id of each topic that is read, or was."""
        now = {name: of.topic_id for name, of in self.topics.items()}
        return {past.topic: past.topic_id for past in self.past} | now


# How the one topic stood in a manifest before there could be several.
OF_ONE_TOPIC = ("topic_id", "first", "start", "held")


def decoded(content: bytes) -> Manifest:
    """Returns a manifest out of its JSON, also from when there was one topic.

    Raises msgspec.DecodeError where it is none.
    """
    found: Any = msgspec.json.decode(content)
    if isinstance(found, dict) and "topic" in found:
        one = {name: found[name] for name in OF_ONE_TOPIC if name in found}
        found["topics"] = {found["topic"]: one}
    return msgspec.convert(found, Manifest, str_keys=True)
