"""Files of the range -> blocks -> sums of each -> by day -> one CSV, in order."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from batch.jobs import results
from batch.jobs.aggregate.blocks import Block, blocks
from batch.jobs.aggregate.days import Days
from batch.jobs.aggregate.engine import Engine, Fault, Part
from batch.jobs.aggregate.question import Question
from batch.jobs.aggregate.sums import Sums, write
from batch.jobs.performance import Performance

# What all threads hold of the files at once, in bytes, about; a block is a thread's share.
LARGEST = 7 << 20
# One arena for all threads of Polars takes a sixth less memory, and no more time.
ALLOCATOR = {"_RJEM_MALLOC_CONF": "narenas:1"}
# So many malformed lines are named; all are counted.
NAMED = 5


@dataclass(frozen=True)
class Options:
    """What to sum, by how many threads, and under which name to put it."""

    asked: Question
    threads: int
    output: Path


@dataclass
class Tally:
    """What was read: lines, those that do not count by reason, and the first of them."""

    lines: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    first: list[Fault] = field(default_factory=list)

    @property
    def malformed(self) -> int:
        """Lines that do not count."""
        return self.reasons.total()

    def add(self, part: Part) -> None:
        """Count a block."""
        self.lines += part.lines
        self.reasons.update(fault.reason for fault in part.faults)
        self.first += part.faults[: NAMED - len(self.first)]


@dataclass(frozen=True)
class Summary:
    """Where the result is, how many rows it has, and what was read for it."""

    result: Path
    rows: int
    tally: Tally
    files: Days | None = None


class Source(Protocol):
    """What can be summed."""

    @property
    def bytes(self) -> int:
        """How much there is to read, as far as it is known."""

    @property
    def files(self) -> Days | None:
        """The files, where it has some."""

    def into(
        self, options: Options, performance: Performance, advance: Callable[[int], Any]
    ) -> Summary:
        """Sums into a new CSV; `advance` is called with the bytes that were read."""


@dataclass(frozen=True)
class Files:
    """Aggregates log files that are named by day."""

    files: Days

    @property
    def bytes(self) -> int:
        """What the files weigh."""
        return self.files.bytes

    def into(
        self, options: Options, performance: Performance, advance: Callable[[int], Any]
    ) -> Summary:
        """Read and sum by blocks; sort and write by days."""
        os.environ.update({"POLARS_MAX_THREADS": str(options.threads)} | ALLOCATOR)
        engine, tally = Engine(options.asked), Tally()
        sums = Sums(engine.keys)
        with performance.phase("read and sum") as phase:
            lines = _blocks(self.files, LARGEST // options.threads, advance)
            for part in _in_order(engine.part, lines, options.threads):
                tally.add(part)
                sums.add(part.sums)
            phase.rows, phase.bytes = tally.lines, self.bytes
        with performance.phase("sort and write") as phase, results.new(options.output) as draft:
            phase.rows = write(sums.in_order(), engine.nothing, draft.file)
            phase.bytes = draft.file.stat().st_size
        return Summary(draft.path, phase.rows, tally, self.files)


def _blocks(found: Days, size: int, advance: Callable[[int], Any]) -> Iterator[Block]:
    for file in found.files:
        for block in blocks(file, size):
            yield block
            advance(len(block.text))


def _in_order(
    work: Callable[[Block], Part], lines: Iterable[Block], threads: int
) -> Iterator[Part]:
    """What the work makes of each block, by so many threads; few blocks are held at once."""
    with ThreadPoolExecutor(threads) as pool:
        running: deque[Future[Part]] = deque()
        for block in lines:
            if len(running) == threads:
                yield running.popleft().result()
            running.append(pool.submit(work, block))
        yield from (done.result() for done in running)
