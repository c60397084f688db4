"""The table of faults: a function each, which brings trouble before its `yield` and ends it after.

Its name is the fault's, its docstring how it is caused.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pytest
from support.cgroups import memory_limit
from support.clock import Clock
from support.pipeline import Pipeline

IS_NIGHT = "FAULTS_AT_NIGHT" in os.environ


@dataclass(frozen=True)
class Fault:
    """Trouble for so many seconds; a longer time at night, and some only then."""

    name: str
    cause: str
    seconds: float
    only_at_night: bool
    bring: Callable[[Pipeline], AbstractContextManager[None]]

    def __str__(self) -> str:
        return self.name


FAULTS: list[Fault] = []
Trouble = Callable[[Pipeline], Iterator[None]]


def fault(seconds: float, at_night: float = 0, only_at_night: bool = False) -> Callable[..., None]:
    """Add a fault to the table."""

    def add(trouble: Trouble) -> None:
        long = at_night if IS_NIGHT and at_night else seconds
        name, cause = trouble.__name__.replace("_", " "), " ".join((trouble.__doc__ or "").split())
        FAULTS.append(Fault(name, cause, long, only_at_night, contextmanager(trouble)))

    return add


@fault(8, at_night=60)
def broker_frozen(pipeline: Pipeline) -> Iterator[None]:
    """SIGSTOP of the broker, then SIGCONT."""
    _signal(pipeline, signal.SIGSTOP)
    yield
    _signal(pipeline, signal.SIGCONT)


@fault(5, at_night=60, only_at_night=True)
def broker_killed(pipeline: Pipeline) -> Iterator[None]:
    """SIGKILL of the broker, and a new start on its folder."""
    pipeline.broker.kill()
    yield
    pipeline.broker.start()


@fault(8, at_night=60)
def network_cut(pipeline: Pipeline) -> Iterator[None]:
    """A proxy holds every byte between broker and clients; connections stay open."""
    pipeline.proxy.line.cut = True
    yield
    pipeline.proxy.line.cut = False


@fault(8, at_night=60, only_at_night=True)
def network_slow(pipeline: Pipeline) -> Iterator[None]:
    """The proxy takes 0.2 s for each 16 kB, in both directions."""
    pipeline.proxy.line.delay = 0.2
    yield
    pipeline.proxy.line.delay = 0.0


@fault(8, at_night=60)
def network_lossy(pipeline: Pipeline) -> Iterator[None]:
    """The proxy delays a fifth of all chunks as TCP does that sends again, and resets the
    connection at one in fifty.
    """
    pipeline.proxy.line.lost, pipeline.proxy.line.resets = 0.2, 0.02
    yield
    pipeline.proxy.line.lost = pipeline.proxy.line.resets = 0.0


@fault(1, only_at_night=True)
def stream_killed(pipeline: Pipeline) -> Iterator[None]:
    """SIGKILL of the stream, and a new start."""
    pipeline.kill()
    yield


@fault(1, only_at_night=True)
def all_killed(pipeline: Pipeline) -> Iterator[None]:
    """SIGKILL of broker, producer and stream, and a new start of all."""
    pipeline.broker.kill()
    pipeline.kill("producer")
    pipeline.kill()
    yield
    pipeline.broker.start()
    pipeline.start_load()


@fault(8, at_night=60, only_at_night=True)
def clock_an_hour_ahead(pipeline: Pipeline) -> Iterator[None]:
    """The wall clock of stream and broker steps an hour forward, and in the end is right again."""
    yield from _stepped(pipeline, 3600)


@fault(8, at_night=60, only_at_night=True)
def clock_an_hour_behind(pipeline: Pipeline) -> Iterator[None]:
    """The wall clock of stream and broker steps an hour back, and in the end is right again."""
    yield from _stepped(pipeline, -3600)


@fault(10, at_night=60, only_at_night=True)
def memory_of_2_GB(pipeline: Pipeline) -> Iterator[None]:
    """A cgroup gives the stream 2 GB in all; a backlog of a minute waits for it."""
    with memory_limit(2048) as group:
        pipeline.restart_stream(*group.prefix)
        yield
        assert group.killed() == 0, "the stream does not fit into 2 GB"


@fault(10, at_night=60, only_at_night=True)
def memory_used_up(pipeline: Pipeline) -> Iterator[None]:
    """A program takes 100 MB more than are left to a running stream: the kernel kills in it."""
    with memory_limit(4096) as group:
        pipeline.restart_stream(*group.prefix)
        group.shrink(megabytes=100)
        yield
        assert group.killed() > 0, "nothing was killed"
        pipeline.kill()
        pipeline.prefix = ()


def _signal(pipeline: Pipeline, number: int) -> None:
    assert pipeline.broker.child
    pipeline.broker.child.send_signal(number)


def _stepped(pipeline: Pipeline, seconds: int) -> Iterator[None]:
    clock = Clock.made(pipeline.root)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in clock.variables.items():
            patch.setenv(name, value)
        pipeline.broker.kill()
        pipeline.broker.start()
    pipeline.restart_stream(**clock.variables)
    clock.step(seconds)
    yield
    clock.step(0)


def endured(pipeline: Pipeline, of: Fault) -> float:
    """Seconds from the end of the trouble until all that was sent by then is in the tables."""
    with of.bring(pipeline):
        time.sleep(of.seconds)
    began = time.monotonic()
    pipeline.keep_running()
    pipeline.catch_up()
    return time.monotonic() - began
