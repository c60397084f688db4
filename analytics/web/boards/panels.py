"""What one panel shows: the answer to its question in a time range, or why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from analytics.web.base.view import View
from analytics.web.boards.board import Panel, axes
from analytics.web.boards.boards import REPORTED
from analytics.web.sql.answers import Asked, Found, found
from analytics.web.sql.asking import OtherAskedError
from analytics.web.sql.kept import KeptQuestions
from lakehouse.errors import LogpondError, SettingsError, TableError

ROWS, POINTS = 100, 1000


@dataclass(frozen=True)
class PanelAnswer:
    """A panel with its answer; `fault` says why there is none, `is_later` that it may come yet."""

    panel: Panel
    found: Found | None = None
    axes: tuple[int, list[int]] | None = None
    number: Any = None
    fault: LogpondError | None = None
    is_later: bool = False

    @property
    def drawn(self) -> str:
        """What its chart shows, in words."""
        if self.found is None or self.axes is None:
            return ""
        names = [column.name for column in self.found.columns]
        along, of = self.axes
        return f"{', '.join(names[at] for at in of)} along {names[along]}"


def statement_of(view: View, panel: Panel) -> str:
    """Returns what a panel asks. Raises TableError where its question or report is not there."""
    if panel.question:
        return KeptQuestions(view.lake.places).get(panel.question).statement
    report = REPORTED.get(panel.report)
    if report is None:
        raise TableError(f"there is no report {panel.report} for boards", "choose another one")
    return report.ranged()


def answer_of(view: View, panel: Panel, last: str, since: str, until: str) -> PanelAnswer:
    """Asks the question of a panel; what goes wrong is shown in its place."""
    most = ROWS if panel.show == "table" else POINTS
    try:
        asked = Asked(statement=statement_of(view, panel), as_of=view.as_of, last=last)
        asked = asked.model_copy(update={"since": since, "until": until})
        return BY_SHAPE[panel.show](panel, found(view, asked, most))
    except OtherAskedError as error:
        return PanelAnswer(panel, fault=error, is_later=True)
    except LogpondError as error:
        return PanelAnswer(panel, fault=error)


def _table(panel: Panel, answer: Found) -> PanelAnswer:
    return PanelAnswer(panel, answer)


def _chart(panel: Panel, answer: Found) -> PanelAnswer:
    if not answer.rows:
        return PanelAnswer(panel, answer)
    along, of = axes(panel, _columns(answer))
    drawn = replace(
        answer,
        columns=[answer.columns[at] for at in (along, *of)],
        rows=[[row[at] for at in (along, *of)] for row in answer.rows],
    )
    return PanelAnswer(panel, drawn, (0, [*range(1, len(of) + 1)]))


def _number(panel: Panel, answer: Found) -> PanelAnswer:
    if not answer.rows:
        return PanelAnswer(panel, answer)
    names = [column.name for column in answer.columns]
    if panel.y and panel.y[0] not in names:
        raise SettingsError(f"the answer has no column {panel.y[0]}", "it has " + ", ".join(names))
    numbers = [at for at, column in enumerate(answer.columns) if column.is_number]
    at = names.index(panel.y[0]) if panel.y else next(iter(numbers), 0)
    return PanelAnswer(panel, answer, (0, [at]), answer.rows[0][at])


def _columns(answer: Found) -> list[tuple[str, bool, bool]]:
    times = ("timestamp", "date")
    return [(one.name, one.is_number, one.type.startswith(times)) for one in answer.columns]


BY_SHAPE: dict[str, Callable[[Panel, Found], PanelAnswer]] = {
    "table": _table,
    "line": _chart,
    "bars": _chart,
    "number": _number,
}
