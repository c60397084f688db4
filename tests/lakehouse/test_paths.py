"""Every place of a lake is made in one module, which draws them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from support.code import FILES, name

from lakehouse import paths
from lakehouse.paths import Places
from lakehouse.settings import load

ARGUMENTS = {
    "table": "logs",
    "delta_log": "logs",
    "checkpoint": "<query>",
    "ledger": "<query>",
    "commits_of": "logs",
    "plans": "<query>",
    "raw_file": "",
    "catalog_file": "",
    "alerts": "<receiver>",
    "scratch": "<job>",
    "skip_index": "<table>",
    "unsent": "<topic>",
    "program_log": "<program>",
    "of_spark": "tmp",
}
PUTS_TOGETHER = re.compile(
    r"places\.\w+(\([^()]*\))?\}/|Path\([^()]*places\.\w+(, |\) / )|_delta_log|"
    r"\}/_(checkpoints|state|broker|raw|absent)\b"
)


def every_place(places: Places) -> list[str]:
    """All that `Places` can give of a lake."""
    names = [n for n in dir(Places) if not n.startswith("_") and n not in ("of", "at")]
    found: list[Any] = [getattr(places, n) for n in names]
    given = [
        one(ARGUMENTS[n]) if callable(one) else one for n, one in zip(names, found, strict=True)
    ]
    return [str(place) for place in [*given, places.lake, places.checkpoints]]


def test_no_other_module_puts_paths_together() -> None:
    """A place that moves, moves in one file."""
    code = {f: re.sub(r'"""[\s\S]*?"""', "", f.read_text()) for f in FILES}
    astray = [name(f) for f, text in code.items() if PUTS_TOGETHER.search(text)]
    assert astray == ["lakehouse/paths.py"]


def test_the_tree_is_drawn() -> None:
    """Each folder and file that there can be stands in the docstring."""
    parts = {part for place in every_place(Places.at("/")) for part in Path(place).parts[1:]}
    assert parts
    assert [part for part in parts if part not in (paths.__doc__ or "")] == []


@pytest.mark.parametrize("lake", ["/a/lake", "s3://bucket/lake"])
def test_a_lake_has_its_checkpoints_in_it(lake: str) -> None:
    """Unless they are set to be elsewhere."""
    assert Places.at(lake) == Places(lake, f"{lake}/_checkpoints")
    assert Places.of(load(lake=lake, checkpoints="/b")) == Places(lake, "/b")


def test_programs_keep_their_state_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the lake is a URL."""
    monkeypatch.chdir(tmp_path)
    labels = Places.at("s3://bucket/lake").labels
    assert (labels.parents[1], labels.name) == (tmp_path / ".logpond", "labels.ndjson")
    assert Places.at("s3://bucket/lake").mutes == "s3://bucket/lake/_state/mutes"


def test_no_lake_at_a_url_has_the_state_of_another() -> None:
    """Where both are used from one folder: a reset of one leaves the other's Kafka alone."""
    one, other = Places.at("s3://bucket/one"), Places.at("s3://bucket/other")
    assert not {one.state, one.broker, one.alerts("a")} & {
        other.state,
        other.broker,
        other.alerts("a"),
    }
    assert not any(
        of.broker.startswith(f"{than.state}/") for of, than in [(one, other), (other, one)]
    )
    assert one.broker.startswith(f"{one.state}/")
