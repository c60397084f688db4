"""`evaluate`: all tables, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from anomaly.engine.config import Config
from anomaly.engine.detectors import METHODS
from anomaly.evaluate.benchmark import report, shares
from anomaly.evaluate.inject import staged
from anomaly.evaluate.outcome import alarms, figures
from anomaly.evaluate.rates import Rates, given, synthetic
from anomaly.evaluate.read import counts, labelled, trouble

Tell = Callable[[str], None]
Rows = list[dict[str, Any]]


def evaluated(
    config: Config,
    tell: Tell,
    rates: Path | None,
    nab: Path | None,
    keys: int,
    days: float,
    seed: int,
) -> dict[str, Rows]:
    """Rows of what was injected and found, and of the labelled series, if given."""
    said = {"injected": list(injected(config, tell, rates, synthetic(keys, days, seed), seed))}
    if nab:
        said["labelled"] = benchmark(config, tell, nab)
    return said


def injected(
    config: Config, tell: Tell, folder: Path | None, made: Rates, seed: int
) -> Iterator[dict[str, Any]]:
    """Both methods on the same minutes: of the synthetic keys, of those given, and of all."""
    sources = {
        "synthetic": made,
        **({"given": given(counts(folder), trouble(folder))} if folder else {}),
    }
    stages = {name: staged(source, seed) for name, source in sources.items()}
    for method in METHODS:
        of = {}
        for name, stage in stages.items():
            tell(f"{name}: {len(stage.rates.names)} keys, {len(stage.errors):,} minutes, {method}")
            of[name] = figures(stage, alarms(stage, config, method))
        if folder:
            of["all"] = {kind: tally + of["given"][kind] for kind, tally in of["synthetic"].items()}
        for name, tallies in of.items():
            for kind, tally in tallies.items():
                yield {"rates": name, "method": method, "kind": kind, **tally.row}


def benchmark(config: Config, tell: Tell, folder: Path) -> Rows:
    """The labelled series by the benchmark's rule."""
    each, held = labelled(folder), {}
    for one in each:
        tell(f"{one.name}: {len(one.values):,} rows")
        held[one.name] = shares(one, config.score)
    return report(each, held, config.score)
