"""Renders values as HTML: numbers, times, text out of logs, which is escaped and made visible."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined
from markupsafe import Markup, escape

from lakehouse.terminal.options import HUMANE
from lakehouse.terminal.render import escaped, plain
from lakehouse.terminal.times import rendered

NOTHING = "\N{EN DASH}"


def inert(value: Any) -> Any:
    """A value as a template prints it; autoescape follows."""
    if isinstance(value, Markup):
        return value
    if value is None:
        return ""
    return escaped(value, keep="\n\t") if isinstance(value, str) else value


def number(value: float | None) -> str:
    """A count or a rate, short enough for a tile."""
    if value is None:
        return NOTHING
    for scale, unit in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= scale:
            return f"{value / (1e3 if unit == ' k' else scale):.3g}{unit}"
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def count(value: float | None) -> str:
    """Every digit of a number."""
    return NOTHING if value is None else f"{value:,.0f}"


def percent(value: float | None) -> str:
    """Renders a share from 0 to 1 with three digits."""
    return NOTHING if value is None else f"{value * 100:.3g} %"


def milliseconds(value: float | None) -> str:
    """Renders a latency in milliseconds, or in seconds from 10,000 ms on."""
    if value is None:
        return NOTHING
    return f"{value:,.0f} ms" if value < 10_000 else f"{value / 1000:,.1f} s"


def duration(seconds: float | None) -> str:
    """A span of time in its largest unit."""
    if seconds is None:
        return NOTHING
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if abs(seconds) >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if abs(seconds) >= 10 else f"{seconds:.1f} s"


def clock(value: datetime | None) -> str:
    """A time of day with its date."""
    return NOTHING if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def minute(value: datetime | None) -> str:
    """A time of day."""
    return NOTHING if value is None else f"{value.astimezone(UTC):%H:%M}"


def precise(value: datetime) -> str:
    """A time to the millisecond, without its year."""
    return f"{value.astimezone(UTC):%m-%d %H:%M:%S.%f}"[:-3]


def as_input(value: datetime) -> str:
    """A time as a person would write it into a field."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"


def cut(text: str, most: int = 2000) -> str:
    """A text, without its end where it is very long."""
    if len(text) <= most:
        return text
    return f"{text[:most]} ... {len(text) - most:,} more characters"


def iso(value: datetime) -> str:
    """A time as links and programs write it."""
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def data(value: Any) -> str:
    """A value as JSON for a data attribute, which autoescape then makes safe."""
    return json.dumps(value, separators=(",", ":"), default=str, allow_nan=False)


def figure(one: Any) -> str:
    """The value of a figure in its unit."""
    formats = {"%": percent, "ms": milliseconds, "s": duration, "": count}
    return formats[one.unit](one.value) if one.unit in formats else f"{number(one.value)}{one.unit}"


def code_spans(text: str) -> Markup:
    """Text with what stands in backticks marked as code."""
    parts = [escape(escaped(part, keep="\n")) for part in text.split("`")]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number_ % 2 else part
        for number_, part in enumerate(parts)
    )


def spark(series: Sequence[float | None], width: int = 160, height: int = 34) -> Markup:
    """A series as a line, which a gap interrupts."""
    most = max((value for value in series if value is not None), default=0) or 1
    step = width / max(len(series) - 1, 1)
    strokes: list[list[str]] = [[]]
    for number_, value in enumerate(series):
        if value is None:
            strokes.append([])
        else:
            at, up = number_ * step, height - 1 - value / most * (height - 2)
            # two points, so that one alone can be seen
            strokes[-1].append(f"{max(at - 1, 0):.1f},{up:.1f} {at:.1f},{up:.1f}")
    drawn = "".join(f'<polyline points="{" ".join(line)}"/>' for line in strokes if line)
    box = f'viewBox="0 0 {width} {height}" height="{height}" preserveAspectRatio="none"'
    return Markup(f'<svg class="spark" {box} aria-hidden="true">{drawn}</svg>')


FILTERS = {
    "number": number,
    "count": count,
    "percent": percent,
    "ms": milliseconds,
    "clock": clock,
    "size": HUMANE["bytes"],
    "duration": duration,
    "minute": minute,
    "iso": iso,
    "data": data,
    "figure": figure,
    "precise": precise,
    "exact": rendered,
    "input": as_input,
    "plain": plain,
    "code_spans": code_spans,
    "cut": cut,
}


def templates(loader: BaseLoader) -> Environment:
    """Templates in which every value is escaped, with the filters above; an unknown name raises."""
    made = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=inert,
        auto_reload=False,
    )
    made.filters |= FILTERS
    return made
