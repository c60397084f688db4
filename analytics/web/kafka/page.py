"""Kafka: topics, their partitions and offsets, and the newest messages of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from analytics.web.base.view import Page, View, Viewed
from analytics.web.kafka.browser import Browser
from lakehouse.errors import LogpondError, TableError
from lakehouse.runtime.kafka_browser import PartitionState, Record, TopicState

router = APIRouter()
PAGE = Page("kafka", "Kafka", "/kafka", router, order=7)
NO_KAFKA = "this server was started without a Kafka; `logpond web --bootstrap HOST:PORT` names one"
TopicName = Annotated[str, Query(max_length=249)]
PartitionNumber = Annotated[int, Query(ge=0, le=2**31 - 1)]
Before = Annotated[int | None, Query(ge=0, le=2**63 - 1, description="Only offsets before this.")]


@dataclass(frozen=True)
class Found:
    """What Kafka answers now; if it does not, `fault` says why."""

    bootstrap: str
    topics: list[TopicState] = field(default_factory=list)
    fault: str = ""


@dataclass(frozen=True)
class Messages:
    """Messages of a partition, the newest first; `before` is where the next page ends."""

    topic: str
    partition: int
    records: list[Record] = field(default_factory=list)
    before: int | None = None
    fault: str = ""


@router.get("/kafka", response_class=HTMLResponse, include_in_schema=False)
def page(
    view: Viewed, topic: TopicName = "", partition: PartitionNumber = 0, before: Before = None
) -> Response:
    """The page; with a topic, the messages of one of its partitions."""
    found = _found(view)
    chosen = next((one for one in found.topics if one.name == topic), None)
    messages = None
    if chosen and (state := _partition(chosen, partition)):
        messages = _messages(view, chosen.name, state, before)
    return view.render(PAGE, found=found, chosen=chosen, topic=topic, messages=messages)


@router.get("/api/kafka", tags=["kafka"])
def api(view: Viewed) -> Found:
    """Topics with their partitions: first offset, and one past the last."""
    return _found(view)


@router.get("/api/kafka/messages", tags=["kafka"])
def api_messages(
    view: Viewed, topic: TopicName, partition: PartitionNumber = 0, before: Before = None
) -> Messages:
    """The newest messages of a partition, twenty at a time, each cut to its beginning."""
    found = _found(view)
    chosen = next((one for one in found.topics if one.name == topic), None)
    state = _partition(chosen, partition) if chosen else None
    if state is None:
        raise TableError("there is no such topic and partition", "see /api/kafka")
    return _messages(view, topic, state, before)


def _found(view: View) -> Found:
    browser = _browser(view)
    if browser is None:
        return Found("", fault=NO_KAFKA)
    try:
        return Found(str(browser.connection), browser.topics())
    except LogpondError as error:
        return Found(str(browser.connection), fault=f"{error.what}: {error.remedy}")


def _messages(view: View, topic: str, state: PartitionState, before: int | None) -> Messages:
    browser = _browser(view)
    if browser is None:
        return Messages(topic, state.partition, fault=NO_KAFKA)
    try:
        records = browser.newest(topic, state, before)
    except LogpondError as error:
        return Messages(topic, state.partition, fault=f"{error.what}: {error.remedy}")
    oldest = records[-1].offset if records else 0
    earlier = oldest if oldest > state.first else None
    return Messages(topic, state.partition, records, earlier)


def _partition(topic: TopicState, number: int) -> PartitionState | None:
    return next((one for one in topic.partitions if one.partition == number), None)


def _browser(view: View) -> Browser | None:
    """Returns the browser of this server, made at first use; None without a Kafka."""
    state = view.request.app.state
    if not hasattr(state, "kafka"):
        state.kafka = Browser(state.lag.connection) if state.lag else None
    browser: Browser | None = state.kafka
    return browser
