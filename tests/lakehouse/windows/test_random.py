"""Whatever happens in whatever order, what readers get is what a model in plain Python says."""

from __future__ import annotations

import os
import random

import pytest
from support.lakes import Lake
from support.modelled import Steps
from support.windows import Pond

pytestmark = [pytest.mark.slow, pytest.mark.random]
LAKES = int(os.environ.get("RANDOM_LAKES", "2"))


@pytest.mark.parametrize("seed", range(LAKES))
def test_any_order_of_events(lake: Lake, seed: int) -> None:
    """Additions, closing, kills, late bursts, upkeep, mending: never wrong, in the end complete."""
    steps = Steps(Pond(lake), random.Random(seed))
    steps(8)
    steps.reconcile()
    steps.stream()
    assert steps.pond.judged().late == 0
    steps.assert_as_modelled("the end")
