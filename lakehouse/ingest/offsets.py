"""Pure. Offsets of topics, and how Spark's Kafka source writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# By partition; one past the last record where they say how far somebody came.
Offsets = dict[int, int]
# The same by topic.
TopicOffsets = dict[str, Offsets]


def kafka_json(offsets: Mapping[str, Mapping[int, int]]) -> str:
    """Returns offsets in the form of Spark's Kafka source."""
    return json.dumps(
        {t: {str(p): o for p, o in sorted(of.items())} for t, of in sorted(offsets.items())}
    )


def parse_offsets(text: str) -> TopicOffsets:
    """Returns the offsets in the JSON of Spark's Kafka source; none for another source."""
    found: Any = json.loads(text)
    topics = found.items() if isinstance(found, dict) else ()
    return {
        topic: {int(partition): int(offset) for partition, offset in of.items()}
        for topic, of in topics
        if isinstance(of, dict)
    }


def furthest(some: Mapping[str, Offsets], others: Mapping[str, Offsets]) -> TopicOffsets:
    """Returns the higher offset of each partition that either has."""
    return {
        topic: _higher(some.get(topic, {}), others.get(topic, {})) for topic in {**some, **others}
    }


def _higher(some: Offsets, others: Offsets) -> Offsets:
    return {p: max(some.get(p, 0), others.get(p, 0)) for p in {**some, **others}}
