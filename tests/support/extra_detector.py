"""A builder: one more detector, which is one file in the folder of detectors."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from anomaly.engine import detectors

FILE = '''
import numpy as np

from anomaly.engine.columns import Field
from anomaly.engine.detector import UP, Detector, Judged, Observation, detector


@detector("surprise")
class Ceiling(Detector):
    """More than 150 requests in one minute."""

    measure = "MEASURE"
    fields = {"last": Field()}

    def step(self, seen, learning):
        self.state["last"][:] = seen.requests
        rows = np.flatnonzero(seen.warm & (seen.requests > 150))
        of = self.observe(rows)
        yes, no = np.ones(len(rows), bool), np.zeros(len(rows), bool)
        return [Judged(self.measure, UP, rows, np.full(len(rows), 49.0), yes, no, *of)]

    def excess(self, rows):
        return self.state["last"][rows] - 150

    def observe(self, rows):
        last, limit = self.state["last"][rows], np.full(len(rows), 150.0)
        return Observation(last, limit, 0 * limit, limit, limit / limit)

    def clear(self):
        self.state["last"][:] = 0
'''


@contextmanager
def ceiling(folder: Path, measure: str = "traffic") -> Iterator[None]:
    """Within the block there is a detector `Ceiling` of a measure."""
    (folder / "ceiling.py").write_text(FILE.replace("MEASURE", measure))
    kept = [*detectors.METHODS["surprise"]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detectors, "__path__", [*detectors.__path__, str(folder)])
        detectors.discover()
        yield
    detectors.METHODS["surprise"][:] = kept
    sys.modules.pop("anomaly.engine.detectors.ceiling")
