"""Each fault of the table, brought on a pipeline at work, costs time and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.fault_table import Row, record
from support.faults import FAULTS, Fault, endured
from support.pipeline import Pipeline, at_work

pytestmark = [pytest.mark.faults, pytest.mark.broker, pytest.mark.spark]

PARAMETERS = [
    pytest.param(
        one, id=one.name.replace(" ", "-"), marks=[pytest.mark.nightly] * one.only_at_night
    )
    for one in FAULTS
]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """One for all faults: each finds what the one before it left."""
    with at_work(tmp_path_factory.mktemp("pipeline")) as made:
        yield made


@pytest.mark.timeout(600)
@pytest.mark.parametrize("fault", PARAMETERS)
def test_a_fault_costs_time_alone(pipeline: Pipeline, fault: Fault) -> None:
    """In the end every acknowledged record is once in `logs` or in open quarantine."""
    seconds = endured(pipeline, fault)
    wrong, verdict = pipeline.checked()
    record(Row.of(fault, wrong, seconds))

    assert wrong == []
    assert verdict.ok, verdict
