"""Text reaches a terminal through one sink, CSV a file through one guard, and both the disk."""

from __future__ import annotations

import ast
from pathlib import Path

from support.code import FILES, name, nodes

SINK = "lakehouse/terminal/render.py"
# Who writes to a terminal beside it, and what: nothing of it is out of logs, or it is escaped.
BESIDE = {
    "analytics/commands/tail.py": "colours of our own around escaped text",
    "analytics/commands/upkeep.py": "a line of two numbers that overwrites itself",
    "batch/jobs/watch_time/make_regions.py": "for maintainers; numbers and a path of theirs",
    "cli/secrets.py": "passwords of our own making",
    "cli/stack/screen.py": "the live screen, above which escaped lines stay",
    "lakehouse/runtime/jars.py": "names of our jars, on a line that overwrites itself",
    "lakehouse/terminal/grid.py": "cells that are escaped already",
}
# Who makes CSV beside it, by a library of its own.
CSV = {
    "batch/jobs/aggregate/lake.py": "sums.without_formulas",
    "batch/jobs/aggregate/sums.py": "sums.without_formulas",
    "producer/datasets/metrics.py": "names that the generator made",
    "producer/datasets/watch_time.py": "names that the generator made",
    "producer/datasets/web_logs.py": "names that the generator made",
}


def called(file: Path) -> set[str]:
    """What is called in a file, or handed on: `click.echo`, `print`, `out.write_csv` as `.name`."""
    found = set()
    for node in nodes(file):
        if isinstance(node, ast.Attribute):
            owner = getattr(node.value, "id", getattr(node.value, "attr", ""))
            found |= {f"{owner}.{node.attr}", f".{node.attr}"}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found.add(node.func.id)
    return found


PRINTING = {"print", "click.echo", "click.secho", "stdout.write", "stderr.write", ".print"}
OURS = [file for file in FILES if name(file).split("/")[0] not in ("benchmarks", "tests")]


def test_text_reaches_a_terminal_through_one_sink() -> None:
    """`render.echo` and `render.show`; whoever else prints is listed with the reason."""
    found = {name(file) for file in OURS if called(file) & PRINTING}
    assert found == {SINK, *BESIDE}


def test_every_csv_is_guarded() -> None:
    """By `render.csv_line`; whoever else writes CSV is listed with the reason."""
    writing = {"csv.writer", "csv.DictWriter", ".write_csv", ".to_csv"}
    assert {name(file) for file in OURS if called(file) & writing} == {*CSV}


def test_what_is_kept_survives_what_it_has_to() -> None:
    """Outside the store, objects are written by `durable` only: by `objects`, power takes them."""
    writing = {f"objects.{step}" for step in ("put", "rename", "create")}
    found = {name(file) for file in OURS if called(file) & writing}
    assert {each for each in found if not each.startswith("lakehouse/store/")} == set()
