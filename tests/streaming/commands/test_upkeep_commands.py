"""`logpond upkeep` says what is due, and does it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from support.lakes import Lake, events

from streaming.commands.upkeep import upkeep


def run(lake: Lake, *flags: str) -> str:
    """What the command prints."""
    found = CliRunner().invoke(upkeep, ["--lake", lake.places.lake, *flags])
    assert found.exit_code == 0, found.output
    return found.output


@pytest.mark.slow
def test_a_dry_run_and_then_the_pass(lake: Lake) -> None:
    """The same partition is named; afterwards nothing is due."""
    for number in range(40):
        lake.put(events([number]), key=f"put-{number}")
    told, done = (
        json.loads(run(lake, "--format", "json", *flags)) for flags in (["--dry-run"], [])
    )

    assert [(one["what"], one["partition"]) for one in told] == [
        ("merge", "date=2026-05-01/hour=11")
    ]
    assert (done[0]["files_before"], done[0]["files_after"]) == (40, 1)
    assert run(lake) == "nothing is due\n"


def test_a_lake_without_tables_has_nothing_due(lake: Lake) -> None:
    """It may be filled later."""
    assert run(lake) == "nothing is due\n"
