"""The harness injects what it says, and counts what is found of it."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from click.testing import CliRunner

from anomaly.engine.config import Config
from anomaly.evaluate.inject import Rates, given, staged, synthetic
from anomaly.evaluate.outcome import Alarm, Tally, alarms, figures
from lakehouse.terminal.commands import program

pytestmark = pytest.mark.slow

STAGE = staged(synthetic(6, 2, 1), 3)


def test_the_same_seed_stages_the_same() -> None:
    """Trouble, errors and requests."""
    again = staged(synthetic(6, 2, 1), 3)

    assert again.episodes == STAGE.episodes
    np.testing.assert_array_equal(again.rates.requests, STAGE.rates.requests)
    np.testing.assert_array_equal(again.errors, STAGE.errors)


def test_episodes_of_a_key_are_apart() -> None:
    """So that one does not hide the other."""
    for key in range(6):
        held = [(e.first, e.last) for e in STAGE.episodes if e.key == key]
        assert all(last + 60 < first for (_, last), (first, _) in pairwise(held))


def test_the_harness_counts_hits_misses_and_false_alarms() -> None:
    """One episode found after three minutes, one alarm out of nowhere."""
    spike = next(e for e in STAGE.episodes if e.kind == "spike")
    found = [Alarm(spike.key, "traffic", "up", spike.first + 2), Alarm(0, "traffic", "up", 5)]
    row = figures(STAGE, found)["spike"].row

    assert (row["found"], row["delay_minutes"], row["precision"]) == (1, 3, 0.5)
    assert row["false_per_key_day"] == pytest.approx(1 / 12, abs=1e-4)


def test_tallies_add_up() -> None:
    """Of two sources: episodes, delays and false alarms together, a rate a key and day of both."""
    row = (Tally(4, [1, 3], 1, 2.0) + Tally(1, [9], 2, 8.0)).row

    assert (row["recall"], row["precision"], row["delay_minutes"]) == (0.6, 0.5, 3)
    assert row["false_per_key_day"] == 0.3


def test_what_is_labelled_is_no_false_alarm() -> None:
    """An alarm within a window of trouble that the given counts have of their own."""
    rates = given({"crowd": [9.0] * 90}, {"crowd": [(50, 60)]})
    alarms_at = [Alarm(0, "traffic", "up", at) for at in (49, 50, 60, 61)]

    assert figures(staged(rates, 1), alarms_at)["spike"].false == 2


def test_detection_is_better_than_the_plain_method() -> None:
    """On the same minutes: most spikes found, hardly a false alarm; the z-score has many."""
    rows = {}
    for method in ("surprise", "zscore"):
        rows[method] = figures(STAGE, alarms(STAGE, Config(), method))["spike"].row

    assert rows["surprise"]["recall"] >= 0.5
    assert rows["surprise"]["false_per_key_day"] <= 0.2
    assert rows["zscore"]["false_per_key_day"] > 1


def test_given_counts_end_when_they_end() -> None:
    """A shorter series is over, not zero."""
    rates: Rates = given({"long": [1.0] * 5, "short": [2.0] * 3})

    assert np.isnan(rates.requests[:, 1]).tolist() == [False, False, False, True, True]


def test_labelled_series_are_scored_by_category(tmp_path) -> None:
    """A folder as the benchmark has it: a row a category and all, and the same blind."""
    values = np.random.default_rng(1).normal(50, 2, 600)
    values[400:420] = 300
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        rows = (
            f"2026-01-{1 + i // 144:02d} {i % 144 // 6:02d}:{i % 6}0:00,{v}"
            for i, v in enumerate(values)
        )
        (tmp_path / name / "a.csv").write_text("\n".join(["timestamp,value", *rows]))
    window = [["2026-01-03 17:00:00.000000", "2026-01-03 23:00:00.000000"]]
    (tmp_path / "windows.json").write_text(json.dumps({"one/a.csv": window, "two/a.csv": window}))
    args = ["evaluate", "--nab", str(tmp_path), "--keys", "1", "--days", "1", "--format", "json"]
    ran = CliRunner().invoke(program("anomaly"), args)

    rows = json.loads(ran.stdout)["labelled"]
    assert [row["series"] for row in rows] == [
        *("one", "two", "all"),
        *("one, blind", "two, blind", "all, blind"),
    ]
    assert rows[-1]["standard"] > 50
