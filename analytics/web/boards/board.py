"""A board as a value: its panels, its file, and what a person may change of it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

from lakehouse.errors import SettingsError
from lakehouse.terminal import times

MOST_PANELS, MOST_COLUMNS = 24, 5
# Its name is the name of its file, also where capitals are none of their own.
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
SHOWN_AS = {"table": "table", "line": "lines", "bars": "bars", "number": "one number"}
WIDTHS = {"half": "half the page", "whole": "the whole page"}
ALL, LENGTHS = "all", "15m, 2h, 7d or all"
REFRESH = {0: "by hand", 10: "each 10 s", 30: "each 30 s", 60: "each minute", 300: "each 5 min"}

Short = Annotated[str, msgspec.Meta(max_length=80)]
Name = Annotated[str, msgspec.Meta(max_length=256)]
Panels = Annotated[list["Panel"], msgspec.Meta(max_length=MOST_PANELS)]


class Panel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One question on a board: a kept one or a report, by name, and how it is shown.

    `x` is the column along a chart, a time or else the first one where it is empty; `y` are the
    columns that are drawn, all numbers where it is empty, or the one that is the number.
    """

    question: Short = ""
    report: Short = ""
    title: Short = ""
    show: Literal["table", "line", "bars", "number"] = "table"
    width: Literal["half", "whole"] = "half"
    x: Name = ""
    y: Annotated[list[Name], msgspec.Meta(max_length=MOST_COLUMNS)] = []

    @property
    def source(self) -> str:
        """What it asks, as forms name it."""
        return f"report:{self.report}" if self.report else f"question:{self.question}"

    @property
    def heading(self) -> str:
        """What stands above it."""
        return self.title or self.question or self.report


class Board(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A page of panels, in their order; its time range, and how often it asks anew, in seconds."""

    title: Short
    panels: Panels = []
    last: Short = "24h"
    refresh: Literal[0, 10, 30, 60, 300] = 0


def parsed(content: bytes) -> Board:
    """Returns the board of a file. Raises SettingsError, which says where it is none."""
    try:
        found = msgspec.json.decode(content, type=Board)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = f"this file is no board: {error}"[:300]
        raise SettingsError(what, "docs/pages.md shows one") from None
    for number, panel in enumerate(found.panels, 1):
        if bool(panel.question) == bool(panel.report):
            raise SettingsError(f"panel {number} has to name one question, or one report")
    return found


def flaw(board: Board, reports: Collection[str]) -> SettingsError | None:
    """Returns why a board, or a panel of it, has no answer; None where `reports` has what it names.

    Whether a question is kept is another thing: somebody may keep it later.
    """
    try:
        if board.last != ALL and not times.length(board.last, "last"):
            return SettingsError(f"last {board.last!r} has no length", f"write {LENGTHS}")
    except SettingsError as error:
        return SettingsError(error.what, f"write {LENGTHS}")
    for number, panel in enumerate(board.panels, 1):
        if panel.report and panel.report not in reports:
            what = f"panel {number}: there is no report {panel.report} for boards"
            return SettingsError(what, f"there are: {', '.join(reports)}")
    return None


def written(board: Board) -> bytes:
    """Returns the file of a board, which a person can read. Raises SettingsError for a bad one."""
    content = msgspec.json.format(msgspec.json.encode(board), indent=2) + b"\n"
    parsed(content)
    return content


def added(board: Board, panel: Panel) -> Board:
    """Returns a board with a panel more. Raises SettingsError where it is full."""
    if len(board.panels) >= MOST_PANELS:
        raise SettingsError(f"{MOST_PANELS} panels are the most of a board", "begin another one")
    return replace(board, panels=[*board.panels, panel])


def changed(board: Board, at: int, panel: Panel) -> Board:
    """Returns a board with another panel in place of one."""
    return replace(board, panels=[*board.panels[:at], panel, *board.panels[at + 1 :]])


def removed(board: Board, at: int) -> Board:
    """Returns a board without a panel."""
    return replace(board, panels=[*board.panels[:at], *board.panels[at + 1 :]])


def moved(board: Board, at: int, by: int) -> Board:
    """Returns a board with a panel some places further on, or back; at an end it stays."""
    rest = removed(board, at).panels
    to = min(max(at + by, 0), len(rest))
    return replace(board, panels=[*rest[:to], board.panels[at], *rest[to:]])


def axes(panel: Panel, columns: Sequence[tuple[str, bool, bool]]) -> tuple[int, list[int]]:
    """Returns which column of an answer lies along its chart, and which are drawn, by number.

    Of each column its name, whether it is a number, whether it is a time. Raises SettingsError
    where there is nothing to draw.
    """
    names = [name for name, _, _ in columns]
    missing = [name for name in (*filter(None, [panel.x]), *panel.y) if name not in names]
    if missing:
        raise SettingsError(f"the answer has no column {missing[0]}", "it has " + ", ".join(names))
    drawn = [names.index(name) for name in panel.y]
    times = [at for at, (_, _, is_time) in enumerate(columns) if is_time]
    others = [at for at in range(len(columns)) if at not in drawn]
    along = names.index(panel.x) if panel.x else next(iter([*times, *others]), 0)
    numbers = [at for at, (_, is_number, _) in enumerate(columns) if is_number and at != along]
    drawn = drawn or numbers[:MOST_COLUMNS]
    if not drawn:
        raise SettingsError("the answer has no column of numbers to draw", "show it as a table")
    return along, drawn


OVERVIEW = Board(
    "Overview",
    [
        Panel(report="hourly", title="Requests of each hour", show="line", y=["requests"]),
        Panel(
            report="hourly",
            title="Errors of each hour",
            show="bars",
            x="hour",
            y=["client_errors", "server_errors"],
        ),
        Panel(report="services", title="Services", width="whole"),
        Panel(report="status-codes", title="Status codes", show="bars", y=["requests"]),
        Panel(report="top-errors", title="Errors"),
        Panel(report="slowest", title="Slowest requests"),
        Panel(report="anomalies", title="Incidents"),
    ],
)
