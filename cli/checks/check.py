"""The result of a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "bad"]


@dataclass(frozen=True)
class Check:
    """The result of a check: what was checked, its state, what was found, and what to do."""

    check: str
    state: State
    found: str
    remedy: str = ""
