"""Topics come to a checkpoint, leave it and come back; no record is read twice or passed over."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from support.lakes import QUERY, TABLES, TOPIC, Lake

from lakehouse.errors import CheckpointError
from lakehouse.ingest import plans
from lakehouse.ingest.absent import Absent
from lakehouse.ingest.admission import admit
from lakehouse.ingest.manifest import Manifest, Subscription, TopicPast, decoded
from lakehouse.ingest.offsets import TopicOffsets, furthest
from lakehouse.ingest.plans import BatchPlan
from lakehouse.proof.verify import verify
from lakehouse.runtime.kafka import Topic

APP = Topic("app-logs", "id-app", 1)


def started(lake: Lake, *topics: Topic, earliest: TopicOffsets | None = None) -> Manifest:
    """A start over these topics; those of which nothing is said begin at 0."""
    first = furthest({topic.name: {0: 0} for topic in topics}, earliest or {})
    return admit(lake.places, QUERY, topics, first, TABLES, 1)


def test_a_topic_that_is_added_begins_at_its_earliest_record(running: Lake) -> None:
    """Under the same checkpoint; what was read of the others stays."""
    before = running.manifest
    now = started(running, TOPIC, APP, earliest={APP.name: {0: 17}})

    assert now.query_id == before.query_id
    assert now.topics[TOPIC.name] == before.topics[TOPIC.name]
    assert now.topics[APP.name] == Subscription(APP.id, {0: 17}, {0: 17})
    assert running.checkpoint.end(1) == {TOPIC.name: {0: 9}, APP.name: {0: 17}}


@pytest.mark.slow
def test_a_topic_that_is_left_keeps_its_rows_and_goes_on_when_it_is_back(running: Lake) -> None:
    """It is verified up to where it was taken, and read from there on when it is back."""
    started(running, TOPIC, APP)
    left = started(running, APP)

    assert left.past == [TopicPast(TOPIC.name, TOPIC.id, {0: 0}, {0: 9})]
    assert (verify(running.places).ok, verify(running.places).records) == (True, 9)
    back = started(running, APP, TOPIC, earliest={TOPIC.name: {0: 4}})
    assert (back.past, back.topics[TOPIC.name].start) == ([], {0: 9})
    assert back.topics[TOPIC.name].first == {0: 0}
    assert verify(running.places).ok


def test_batches_that_reach_less_far_than_a_topic_was_taken_take_nothing_back(
    running: Lake,
) -> None:
    """Spark counts a topic that is back from its first record on, so many offsets a batch."""
    started(running, TOPIC, APP)
    started(running, APP)
    started(running, APP, TOPIC)
    running.batch(2, {0: 4})

    assert running.checkpoint.end(2)[TOPIC.name] == {0: 9}
    left = started(running, APP)
    assert left.past == [TopicPast(TOPIC.name, TOPIC.id, {0: 0}, {0: 9})]
    assert (verify(running.places).ok, verify(running.places).records) == (True, 9)


def test_none_of_the_topics_of_a_checkpoint_is_another_lake(running: Lake) -> None:
    """Whoever names other topics only has mistaken the lake."""
    with pytest.raises(CheckpointError, match="reads topic web-logs, not app-logs"):
        started(running, APP)


@pytest.mark.parametrize("again", [Topic(TOPIC.name, "id-2", 1), Topic(APP.name, "id-3", 1)])
def test_each_topic_must_be_the_one_that_was_read(running: Lake, again: Topic) -> None:
    """Also one that was left meanwhile."""
    started(running, TOPIC, APP)
    started(running, TOPIC)
    others = [topic for topic in (TOPIC, APP) if topic.name != again.name]
    with pytest.raises(CheckpointError, match=f"topic {again.name} was deleted and made again"):
        started(running, *others, again)


def test_rows_of_a_topic_that_the_checkpoint_does_not_know_stop_it(running: Lake) -> None:
    """A start would read them a second time."""
    manifest = running.manifest
    running.checkpoint.adopt(
        msgspec.structs.replace(manifest, topics={APP.name: manifest.topics[TOPIC.name]})
    )
    with pytest.raises(CheckpointError, match="would read them again") as refused:
        started(running, Topic(APP.name, TOPIC.id, 1), TOPIC)
    assert "logpond recover ingest" in refused.value.remedy


def test_a_first_batch_is_finished_by_its_plan_though_a_topic_was_added(lake: Lake) -> None:
    """The plan begins where the manifest did when it was made."""
    lake.admit()
    lake.batch(0, {0: 5}, crash="planned")
    started(lake, TOPIC, APP, earliest={APP.name: {0: 3}})
    start, end = lake.checkpoint.offsets(-1), lake.checkpoint.offsets(0)

    assert lake.plans.find(lake.manifest.query_id, 0, start, end) is not None


def test_a_manifest_of_one_topic_is_read(running: Lake) -> None:
    """As releases before wrote it."""
    file = Path(running.places.ledger(QUERY), "manifest.json")
    now = json.loads(file.read_text())
    ((topic, of),) = now.pop("topics").items()
    old = {**now, "topic": topic, **of, "held": {"0": 3}}
    old.pop("reading")

    found = decoded(json.dumps(old).encode())

    wanted = msgspec.structs.replace(running.subscription, held={0: 3})
    assert found == msgspec.structs.replace(running.manifest, topics={topic: wanted})


def test_what_an_old_plan_says_of_its_one_topic_is_noted(running: Lake) -> None:
    """Its offsets that nobody is given had no topic by them."""
    end = '{"web-logs": {"0": 12}}'
    text = {"files": [], "query_id": "q", "batch": 2, "start": "{}", "end": end}
    plan = msgspec.json.decode(
        json.dumps({**text, "invisible": [[0, 9, 11]]}).encode(), type=BatchPlan
    )
    plans.note_invisible(running.places, plan)

    rows = Absent(running.places).of("invisible").to_pylist()
    assert rows == [{"_topic": "web-logs", "_partition": 0, "first_": 9, "last_": 11}]
