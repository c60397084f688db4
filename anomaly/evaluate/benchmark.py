"""The labelled series, scored: by category, in all, and by cross-validation. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from anomaly.engine.arrays import Floats
from anomaly.engine.config import Score as Its
from anomaly.evaluate.nab import PROFILES, Labelled, normalised
from anomaly.series import Committee, alerting

# What cross-validation may choose from, always by the other categories alone.
VOTES, PAUSES = (0.06, 0.07, 0.08, 0.09, 0.1, 0.11, 0.12, 0.13, 0.14), (60, 100)


@dataclass(frozen=True)
class Series:
    """A labelled series; windows are first and last rows."""

    name: str
    seconds: Sequence[float | None]
    values: Sequence[float]
    windows: Sequence[tuple[int, int]]

    @property
    def category(self) -> str:
        """The folder that it is in."""
        return self.name.split("/")[0]


def shares(one: Series, its: Its) -> Floats:
    """Of every row the share of votes, from it and the rows before alone."""
    committee = Committee(its)
    found = [
        committee.take(at, value) if np.isfinite(value) else 0.0
        for at, value in zip(one.seconds, one.values, strict=True)
    ]
    return np.array(found)


def report(each: Sequence[Series], held: Mapping[str, Floats], its: Its) -> list[dict[str, Any]]:
    """A row for each category, one for all, and one where no category chose for itself."""
    categories = sorted({one.category for one in each})
    fixed = {one.name: _labelled(one, held, its.votes, its.pause) for one in each}
    rows = [
        _row(name, [fixed[one.name] for one in each if one.category == name]) for name in categories
    ]
    rows.append(_row("all", list(fixed.values())))
    rows.append(
        _row("cross-validated", [c for name in categories for c in _fold(name, each, held)])
    )
    return rows


def _fold(name: str, each: Sequence[Series], held: Mapping[str, Floats]) -> list[Labelled]:
    others = [one for one in each if one.category != name]

    def worth(choice: tuple[float, int]) -> float:
        labelled = [_labelled(one, held, *choice) for one in others]
        return float(np.mean([normalised(labelled, profile) for profile in PROFILES]))

    best = max(((votes, pause) for votes in VOTES for pause in PAUSES), key=worth)
    return [_labelled(one, held, *best) for one in each if one.category == name]


def _labelled(one: Series, held: Mapping[str, Floats], votes: float, pause: int) -> Labelled:
    return Labelled(np.array(list(alerting(held[one.name], votes, pause))), one.windows)


def _row(name: str, each: list[Labelled]) -> dict[str, Any]:
    row: dict[str, Any] = {"series": name, "files": len(each)}
    row["windows"] = sum(len(one.windows) for one in each)
    for profile in PROFILES:
        found = normalised(each, profile)
        row[profile.name] = None if np.isnan(found) else round(found, 1)
    return row
