"""Which detectors there are: a new one is a class under `@detector(method)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anomaly.engine.detectors.base import Detector

# method: its detectors, in the order in which they judge
METHODS: dict[str, list[type[Detector]]] = {}


def detector(method: str) -> Callable[[type[Detector]], type[Detector]]:
    """Make a class one of a method's detectors."""

    def register(one: type[Detector]) -> type[Detector]:
        METHODS.setdefault(method, []).append(one)
        return one

    return register
