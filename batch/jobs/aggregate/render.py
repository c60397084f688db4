"""Renders what `aggregate` would do, and what it did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, TextIO

from batch.jobs.aggregate.days import Days
from batch.jobs.aggregate.job import NAMED, Options, Source, Summary
from batch.jobs.performance import Performance, render_machine
from batch.jobs.results import free_name
from lakehouse.terminal import render
from lakehouse.terminal.options import HUMANE

LIBRARY = "polars"


def render_plan(options: Options, source: Source, how: str, out: TextIO) -> None:
    """What would be read, and where the result would be."""
    facts = {"result": str(free_name(options.output)), **_files(source.files)}
    if how == "json":
        render.show_object({**facts, "bytes": source.bytes}, out)
        return
    if source.files:
        for file in source.files.files:
            render.write(f"would read {file.name}, {HUMANE['bytes'](file.stat().st_size)}\n", out)
        render.write(_missing(source.files.missing), out)
    else:
        render.write("would read the half hours of usage\n", out)
    render.write(f"would write {facts['result']}\n", out)


def render_summary(done: Summary, performance: Performance, how: str, out: TextIO) -> None:
    """The result, the lines that do not count, and what it cost."""
    if how == "json":
        render.show_object(_facts(done) | {"performance": performance.as_dict()}, out)
        return
    render.write(render_machine(LIBRARY) + "\n\n", out)
    performance.show(out)
    render.write("\n" + "".join(_malformed(done)), out)
    if done.files:
        render.write(_missing(done.files.missing), out)
        render.write(f"{done.tally.lines:,} lines of {len(done.files.files):,} files read\n", out)
    render.write(f"{done.result}: {done.rows:,} rows\n", out)


def _facts(done: Summary) -> dict[str, Any]:
    tally = done.tally
    return {
        "result": str(done.result),
        "rows": done.rows,
        "lines": tally.lines,
        "malformed": tally.malformed,
        "reasons": dict(tally.reasons.most_common()),
        "first_malformed": [vars(fault) for fault in tally.first],
        **_files(done.files),
    }


def _files(found: Days | None) -> dict[str, Any]:
    if found is None:
        return {}
    missing = [day.isoformat() for day in found.missing]
    return {"files": [file.name for file in found.files], "missing_days": missing}


def _malformed(done: Summary) -> Sequence[str]:
    """How many lines do not count, by reason, and the first of them."""
    tally = done.tally
    if not tally.malformed:
        return ()
    reasons = [f"  {count:>9,}  {reason}\n" for reason, count in tally.reasons.most_common()]
    first = [f"  {f.file}:{f.line:,}: {f.reason}\n" for f in tally.first]
    more = ["  ...\n"] if tally.malformed > len(tally.first) else []
    return [
        f"{tally.malformed:,} of {tally.lines:,} lines are malformed and do not count:\n",
        *reasons,
        *first,
        *more,
    ]


def _missing(days: Sequence[date]) -> str:
    if not days:
        return ""
    named = ", ".join(day.isoformat() for day in days[:NAMED])
    more = ", ..." if len(days) > NAMED else ""
    return f"days of the range without a file: {len(days):,} ({named}{more})\n"
