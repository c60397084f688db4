"""False incidents of quiet traffic, a key and year.

`python -m benchmarks.quiet --keys 100 --days 20 --seeds 3` folds synthetic keys in which nothing
was staged: a daily curve that wanders, Poisson noise, errors and latency as ever.
"""

from __future__ import annotations

from collections import Counter

import click
import numpy as np

from anomaly.commands.series import constants
from anomaly.evaluate.inject import DAY, quiet, synthetic
from anomaly.evaluate.outcome import alarms

YEAR = 365.25


@click.command()
@click.option("--keys", default=100, help="Keys of a seed, of 2 to 2,000 requests a minute.")
@click.option("--days", default=20.0, help="Of each seed.")
@click.option("--seeds", default=3, help="How many times.")
def years(keys: int, days: float, seeds: int) -> None:
    """Prints a line a seed, and one of all."""
    found: list[float] = []
    for seed in range(seeds):
        one = quiet(synthetic(keys, days, seed), seed)
        raised = alarms(one, constants(None), "surprise")
        key_years = one.rates.requests.size / DAY / YEAR
        found.append(len(raised) / key_years)
        kinds = Counter(f"{alarm.measure} {alarm.direction}" for alarm in raised)
        click.echo(f"seed {seed}: {len(raised)} in {key_years:.1f} key-years: {dict(kinds)}")
    click.echo(f"a key and year: {np.mean(found):.2f} ({min(found):.2f} to {max(found):.2f})")


if __name__ == "__main__":
    years()
