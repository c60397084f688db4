"""Which topics a start reads: those of the sources that Kafka has; what to say of the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from lakehouse.errors import BrokerError
from lakehouse.ingest.manifest import Manifest
from lakehouse.ingest.offsets import TopicOffsets
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka import Topic
from lakehouse.runtime.kafka_client import AccessError, UnknownTopicError, unknown
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.sources import Sources

PRODUCERS_CLOCK = (
    "note: {topic} keeps its producers' clocks (CreateTime); the guard against events from the "
    "future is only as good as they are: set message.timestamp.type=LogAppendTime"
)
UNSEEN_CLOCK = (
    "note: whose clock {topic} keeps cannot be seen ({why}: the right DescribeConfigs is missing); "
    "the broker's is assumed (LogAppendTime), by which the guard against events of the future goes"
)
MISSING = (
    "note: the topic {topic} of the source {source} does not exist; the first start that finds it "
    "takes it up"
)
DENIED = "note: the topic {topic} of the source {source} is not read: {why}"
LEFT = "note: {topic} is in no source any more, and not read from here on; its rows stay"
MIDWAY = (
    "note: {topic} is in no source any more, but a batch of it was under way: it is read once more "
    "in this run"
)
NEW = "note: {topic} is new to the lake: it is read from its first record on"
AGAIN = "note: {topic} is read again, from where it was left"


@dataclass(frozen=True)
class Found:
    """Topics that are read, where each begins and ends now, and notes for a person."""

    topics: list[Topic]
    earliest: TopicOffsets
    ends: TopicOffsets
    notes: list[str] = field(default_factory=list)


def find(
    sources: Sources,
    connection: Connection,
    manifest: Manifest | None = None,
    has_batch_under_way: bool = False,
) -> Found:
    """Returns the topics of the sources as Kafka has them; `manifest` is of what is read now.

    With a batch under way what it reads is read on. Raises UnknownTopicError where a topic is gone
    that the lake reads, or that the settings name; BrokerError where Kafka does not answer, or has
    none of them.
    """
    existing = kafka.names(connection)
    read = [*sources.found(existing)]
    missing = sources.missing(existing)
    denied = kafka.denials(connection, missing)
    _refuse_denied(sources, denied, manifest)
    _refuse_gone(sources, connection, missing, manifest)
    kept = [topic for topic in manifest.topics if topic not in read] if manifest else []
    midway = kept if has_batch_under_way else []
    if not read:
        for error in denied.values():
            raise error
        raise BrokerError(
            f"none of the topics that are to be read exists at {connection}",
            f"{sources.file} names {', '.join(missing) or 'patterns that match no topic'}",
        )
    topics = _described(connection, [*read, *midway])
    bounds = kafka.TopicsClient(connection, [topic.name for topic in topics]).bounds()
    earliest, ends = (
        {topic: {p: both[which] for p, both in of.items()} for topic, of in bounds.items()}
        for which in (0, 1)
    )
    notes = [
        *(_absent(topic, source, denied.get(topic)) for topic, source in missing.items()),
        *(MIDWAY.format(topic=topic) for topic in midway),
        *(LEFT.format(topic=topic) for topic in kept if topic not in midway),
        *(_welcomes(manifest, read) if manifest else ()),
        *_of_clocks(connection, read),
    ]
    return Found(topics, earliest, ends, notes)


def _absent(topic: str, source: str, denied: AccessError | None) -> str:
    if denied is None:
        return MISSING.format(topic=topic, source=source)
    return DENIED.format(topic=topic, source=source, why=denied.what)


def _of_clocks(connection: Connection, read: Collection[str]) -> list[str]:
    """Returns notes on topics whose times may be their producers'."""
    found = kafka.clocks(connection, read)
    unseen = (UNSEEN_CLOCK.format(topic=t, why=why) for t, why in found.unseen.items())
    return [*(PRODUCERS_CLOCK.format(topic=t) for t in found.of_producers), *unseen]


def _welcomes(manifest: Manifest, read: Collection[str]) -> list[str]:
    """Returns notes on topics that the last start did not read."""
    came = [topic for topic in read if topic not in manifest.topics]
    return [(AGAIN if t in manifest.ids else NEW).format(topic=t) for t in came]


def _described(connection: Connection, names: Collection[str]) -> list[Topic]:
    return [*kafka.TopicsClient(connection, names).describe().values()]


def _refuse_denied(
    sources: Sources, denied: Mapping[str, AccessError], manifest: Manifest | None
) -> None:
    """A topic that the lake reads, or that the settings name, is not left out in silence."""
    for topic, error in denied.items():
        if topic == sources.default or (manifest and topic in manifest.topics):
            raise error


def _refuse_gone(
    sources: Sources, connection: Connection, missing: Collection[str], manifest: Manifest | None
) -> None:
    """A topic that is gone has records that were never read, or its name was misspelt."""
    for topic in missing:
        if manifest and topic in manifest.topics:
            raise UnknownTopicError(
                f"the topic {topic}, which the lake reads, does not exist at {connection} any more",
                f"take it out of {sources.file} to go on without it, or start over: "
                "`logpond reset`",
            )
        if topic == sources.default:
            raise unknown(connection, topic)
