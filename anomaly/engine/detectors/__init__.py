"""The detectors, by method; what a module here registers is run, tested and evaluated."""

from __future__ import annotations

from anomaly.engine.detectors import errors, latency, traffic, zscore
from anomaly.engine.detectors.base import ANEW, CALM, DOWN, HELD, UP, Detector, Judged, Seen
from anomaly.engine.detectors.registry import METHODS

__all__ = [
    "ANEW",
    "CALM",
    "DOWN",
    "HELD",
    "METHODS",
    "UP",
    "Detector",
    "Judged",
    "Seen",
    "errors",
    "latency",
    "traffic",
    "zscore",
]
