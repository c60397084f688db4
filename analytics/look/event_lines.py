"""Rows of `logs` as lines for a person: one each, coloured by status, and inert. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from lakehouse.terminal.render import escaped

COLOURS = {1: "cyan", 2: "green", 3: "cyan", 4: "yellow", 5: "red"}


def line(row: Mapping[str, Any], is_coloured: bool) -> str:
    """Time, status, method, service, path (or endpoint), how long it took, and for whom."""
    status = str(row["status_code"])
    shown = [
        f"{row['timestamp']:%Y-%m-%d %H:%M:%S.%f}"[:-3],
        click.style(status, fg=COLOURS.get(row["status_code"] // 100)) if is_coloured else status,
        _text(row["level"], 5),
        _text(row["method"], 6),
        _text(row["service"], 10),
        _text(row["path"] or row["endpoint"], 40),
        _milliseconds(row["response_time"]),
        _text(row["ip"], 15),
        _text(row["user"]),
    ]
    return "  ".join(shown).rstrip()


def _text(value: str | None, width: int = 0) -> str:
    return escaped(value or "-").ljust(width)


def _milliseconds(value: float | None) -> str:
    return ("-" if value is None else f"{value:,.0f} ms").rjust(9)
