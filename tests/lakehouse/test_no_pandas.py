"""Our programs make arrays without importing pandas, and whoever needs pandas still has it."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

HIDE = "from lakehouse import no_pandas; no_pandas.hide(); import sys; "


def run(code: str) -> list[str]:
    """Returns the words that a new process prints; the one of the tests may have pandas."""
    done = subprocess.run(
        [sys.executable, "-c", HIDE + code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.split()


def test_an_array_of_a_list_does_without() -> None:
    """Nor do tables, DuckDB's answers and polars' frames of them need it."""
    arrays = (
        "import duckdb, polars, pyarrow as pa; t = pa.table({'a': [1, 2]}); c = duckdb.connect()"
    )
    answers = "r = duckdb.connect().register('t', t).sql('FROM t').to_arrow_table()"
    look = "print(r.num_rows, polars.from_arrow(t).height, 'pandas' in sys.modules)"
    assert run("; ".join([arrays, answers, look])) == ["2", "2", "False"]


def test_whoever_looks_for_it_is_told_that_it_is_there() -> None:
    """Libraries look whether it could be imported, and go on."""
    look = "import importlib.util; print(importlib.util.find_spec('pandas') is None)"
    assert run(look) == ["False"]
    assert run("\ntry: import pandas\nexcept ImportError as e: print(e.name)") == ["pandas"]


def test_spark_gets_it() -> None:
    """mapInArrow, of service-metrics, asks for it on the driver."""
    asked = "from pyspark.sql.pandas.utils import require_minimum_pandas_version as r; r(); "
    assert run(f"{asked}print('pandas' in sys.modules)") == ["True"]


def test_a_process_that_has_it_keeps_it() -> None:
    """Nothing is taken away from a notebook."""
    code = "import pandas; from lakehouse import no_pandas; no_pandas.hide(); import pandas"
    done = subprocess.run([sys.executable, "-c", code], timeout=60, check=False)
    assert done.returncode == 0
