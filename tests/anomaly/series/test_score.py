"""Any series is scored row by row, causally; hostile ones raise no exception and no storm."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from anomaly.engine.config import Config
from anomaly.series.committee import Score
from anomaly.series.file import Counted, write
from lakehouse.errors import SettingsError
from lakehouse.terminal.commands import program

ITS = Config().score
HOSTILE = [0.0, math.nan, math.inf, -math.inf, 1e300, -1e300, 5e-324, 1.0]


def noise(rows: int) -> list[float]:
    """A series that does nothing."""
    return np.random.default_rng(2).normal(50, 3, rows).tolist()


def scores(values: list[float], step: float = 300.0) -> list[float]:
    """The score of each value, five minutes apart."""
    one = Score(ITS)
    return [one.take(i * step, value) for i, value in enumerate(values)]


def alerts(values: list[float]) -> list[int]:
    """The rows that alert."""
    return [i for i, score in enumerate(scores(values)) if score >= 0.5]


@pytest.mark.slow
def test_what_leaves_the_ordinary_alerts() -> None:
    """A burst far above all that was seen."""
    values = noise(1500)
    values[1200:1230] = [200.0] * 30

    assert any(1200 <= row < 1230 for row in alerts(values))


@pytest.mark.slow
def test_noise_alerts_seldom() -> None:
    """In 3,000 rows of it: less than once in 300."""
    assert len(alerts(noise(3000))) <= 9


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(st.integers(1, 700))
def test_no_row_knows_what_follows(cut: int) -> None:
    """The scores of a beginning are the beginning of the scores."""
    values = noise(350) + [90.0] * 20 + noise(330)

    assert scores(values[:cut]) == scores(values)[:cut]


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from(HOSTILE), max_size=400))
def test_hostile_values_are_scored(values: list[float]) -> None:
    """Between 0 and 1, without an exception, and not one alert after the other."""
    found = scores(values + noise(300) + values)

    assert all(0 <= score <= 1 for score in found)
    assert sum(score >= 0.5 for score in found) <= len(found) / ITS.pause + 1


@pytest.mark.parametrize("value", [0.0, 100.0, 1e300])
def test_a_constant_series_that_moves_by_one_does_not_scream(value: float) -> None:
    """Nor does it where it stays."""
    assert alerts([value] * 1000 + [value + 1] * 300) == []


def written(text: str) -> tuple[list[str], Counted]:
    """The lines that a file's scores make, and the counts."""
    out = io.StringIO()
    counted = write(io.StringIO(text), "given", out, ITS)
    return out.getvalue().splitlines(), counted


def test_every_row_comes_back_with_a_score() -> None:
    """As it was written, what cannot be read too; the odd ones are counted."""
    lines, counted = written(
        "timestamp,value\n2026-01-01 00:05:00,1\n2026-01-01 00:00:00,x\nsoon,NaN\n,\n1e99,2\n"
    )

    assert lines[0] == "timestamp,value,anomaly_score"
    assert lines[1:3] == ["2026-01-01 00:05:00,1,0.0000", "2026-01-01 00:00:00,x,0.0000"]
    assert (counted.rows, counted.not_a_number, counted.back_in_time) == (5, 3, 1)


@pytest.mark.parametrize("text", ["", "time,value\n1,2\n", "1,2\n"])
def test_a_file_without_its_header_is_told(text: str) -> None:
    """What it should be."""
    with pytest.raises(SettingsError, match="timestamp"):
        written(text)


def test_the_command_writes_the_file(tmp_path) -> None:
    """Rows to --out, counts to standard error."""
    given, out = tmp_path / "in.csv", tmp_path / "out.csv"
    rows = (f"2026-01-01T{i // 60:02d}:{i % 60:02d}:00,{v}" for i, v in enumerate(noise(300)))
    given.write_text("\n".join(["timestamp,value", *rows]))
    ran = CliRunner().invoke(program("anomaly"), ["score", str(given), "--out", str(out)])

    assert ran.exit_code == 0, ran.output
    assert len(out.read_text().splitlines()) == 301
    assert "300 rows" in ran.stderr
