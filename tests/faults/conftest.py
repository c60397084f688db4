"""Each test here that passed is a row of docs/faults.md, where a table was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from support.fault_table import Row, record


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Iterator[None]:
    """The promise of a test; faults of the table write their own rows."""
    outcome: Any = yield
    report = outcome.get_result()
    if report.when == "call" and report.passed and "fault" not in item.fixturenames:
        promise = (item.function.__doc__ or "").strip().splitlines()[0]
        record(Row(f"{item.path.stem.removeprefix('test_')}: {promise}", "", 0, 0, 0, 0))
