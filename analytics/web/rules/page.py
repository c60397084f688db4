"""Rules: what each told in the last 30 days, what the files say; and a filter tried as a rule."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse, Response

from analytics.web.base.view import Page, View, Viewed
from analytics.web.lake import incidents
from lakehouse.errors import SettingsError
from lakehouse.query.search.parser import LONGEST
from lakehouse.tables.catalog import ANOMALIES
from lakehouse.tables.incidents import OPEN
from lakehouse.toml_file import toml

router = APIRouter()
PAGE = Page("rules", "Rules", "/rules", router, order=3)
DAYS, MINUTE = 30, timedelta(minutes=1)
# The shades of a day: from so many minutes on which a rule was on.
SHADES = (1, 5, 10, 20, 40, 80, 160, 320, 640)
# The command reads files, which no version tells of: it runs once a minute at most.
EVERY_SECONDS = 60
Short = Annotated[str, Query(max_length=200)]


@dataclass
class RuleHistory:
    """A rule as its incidents tell: the minutes of each day in which it was on."""

    name: str
    severity: str
    incidents: int = 0
    firing: int = 0
    minutes: dict[date, set[int]] = field(default_factory=dict)

    def shade(self, day: date) -> int:
        """Returns how dark a day is, from 0 to 9."""
        on = len(self.minutes.get(day, ()))
        return sum(on >= least for least in SHADES)

    def on(self, day: date) -> int:
        """Returns the minutes of a day in which it was on."""
        return len(self.minutes.get(day, ()))


@router.get("/rules", response_class=HTMLResponse, include_in_schema=False)
def page(view: Viewed) -> Response:
    """The rules that told, a shade a day; `part=files` is what the files say."""
    days = _days(view)
    is_later = view.request.query_params.get("part") == "files"
    return view.render(
        PAGE,
        rules=_histories(view, days[0]),
        days=days,
        files=_files(view) if is_later else None,
    )


@router.get("/api/rules", tags=["rules"])
def api(view: Viewed) -> list[dict[str, Any]]:
    """The rules of the files, with their state, and how often they told in the last 30 days."""
    return _files(view)


@router.get("/rules/new", response_class=HTMLResponse, include_in_schema=False)
def new(
    view: Viewed,
    query: Annotated[str, Query(max_length=LONGEST)] = "",
    over: Short = "20",
    period: Short = "5 min",
    by: Short = "",
    name: Short = "my-rule",
    go: Short = "",
) -> Response:
    """A filter as a rule: what it would have told with a bound, and the text to keep it."""
    where = f" where {query.strip()}" if query.strip() else ""
    when = f"count{where} > {over.strip()} in {period.strip()}"
    names = [one for one in by.replace(",", " ").split() if one]
    given = {"query": query, "over": over, "period": period, "by": by, "name": name}
    found, why = _tried(view, when, names) if go else (None, "")
    return view.render(
        PAGE,
        "new.html",
        given=given,
        when=when,
        found=found,
        why=why,
        text=_text(name, when, names),
    )


def _tried(view: View, when: str, names: list[str]) -> tuple[dict[str, Any] | None, str]:
    """Returns what the rule would have told, or why it is none."""
    condition = f"{when} by {', '.join(names)}" if names else when
    state = view.snapshot.table(ANOMALIES.name)
    try:
        rows = view.commands.answer("rule try", condition, version=state.version if state else 0)
    except SettingsError as error:
        return None, error.what
    found: dict[str, Any] = rows[0]
    return found, ""


def _text(name: str, when: str, names: list[str]) -> str:
    kept = "".join(sign if sign.isalnum() and sign.isascii() else "-" for sign in name.lower())
    lines = [f"[{kept.strip('-')[:60] or 'my-rule'}]", f"when = {toml(when)}"]
    return "\n".join([*lines, *([f"by = {toml(names)}"] if names else []), 'severity = "warning"'])


def _files(view: View) -> list[dict[str, Any]]:
    state, minute = view.snapshot.table(ANOMALIES.name), int(time.time() / EVERY_SECONDS)
    version = minute * 1_000_000 + (state.version if state else 0)
    found: list[dict[str, Any]] = view.commands.answer("rule list", version=version)
    return found


def _days(view: View) -> list[date]:
    today = view.snapshot.now.date()
    return [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]


def _histories(view: View, first: date) -> list[RuleHistory]:
    anomalies = view.snapshot.table(ANOMALIES.name)
    if anomalies is None:
        return []
    since = datetime.combine(first, datetime.min.time(), view.snapshot.now.tzinfo)
    found: dict[str, RuleHistory] = {}
    for row in incidents.spans_of_rules(view.snapshot, anomalies, since):
        one = found.setdefault(row["rule"], RuleHistory(row["rule"], row["severity"]))
        one.incidents += 1
        one.firing += row["status"] == OPEN
        for at in _minutes(max(row["opened"], since), row["last_breach"]):
            minutes = one.minutes.setdefault(at.date(), set())
            minutes.add(at.hour * 60 + at.minute)
    return sorted(found.values(), key=lambda one: (-one.firing, one.name))


def _minutes(first: datetime, last: datetime) -> Iterable[datetime]:
    at = first
    while at <= last:
        yield at
        at += MINUTE
