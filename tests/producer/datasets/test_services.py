"""Files of services: seeded, in folders, with spikes that are there."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import mean

import pytest
from click.testing import CliRunner
from support.records import decoded

from producer.commands.files import files
from producer.datasets.services import MINUTE, QUIET_MINUTES, Spec, write
from producer.traffic.curve import HOUR, MICROS

SPEC = Spec(7, 1_735_689_600 * MICROS, 2, 2.0, 2, ("prod", "staging"), 3, 0.0)


def lines(folder: Path, spec: Spec) -> list[bytes]:
    """All lines of an order, in the order of their files."""
    found = []
    for path, write_it in spec.files(folder).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_it(path)
        found += path.read_bytes().splitlines()
    return found


@pytest.mark.slow
def test_a_seed_makes_the_same_bytes(tmp_path: Path) -> None:
    """Whatever was made before; another seed makes others."""
    first = lines(tmp_path, SPEC)
    assert lines(tmp_path, SPEC) == first
    assert lines(tmp_path, replace(SPEC, seed=8)) != first


def test_each_line_is_an_event_of_its_folder(tmp_path: Path) -> None:
    """What is not malformed on purpose passes the strict decoder, and lies where it says."""
    path, _ = next(iter(SPEC.files(tmp_path).items()))
    write(SPEC, SPEC.catalog[0], "prod", 0, tmp_path / "one")
    found = [json.loads(line) for line in (tmp_path / "one").read_bytes().splitlines()]
    assert decoded(*(json.dumps(event).encode() for event in found)).rejects.num_rows == 0
    assert {(e["service"], e["environment"]) for e in found} == {("storefront", "prod")}
    assert path.parts[-3:] == ("service=storefront", "environment=prod", "2025-01-01T00.ndjson")


def test_as_many_are_malformed_as_asked(tmp_path: Path) -> None:
    """Each of them is refused by the decoder."""
    found = lines(tmp_path, replace(SPEC, malformed=0.2))
    assert decoded(*found).rejects.num_rows / len(found) == pytest.approx(0.2, abs=0.03)


def test_spikes_are_where_the_truth_says(tmp_path: Path) -> None:
    """Each is slower than the rest of its service there, by about its factor."""
    events = [json.loads(line) for line in lines(tmp_path, SPEC)]
    for spike in (one.line() for one in SPEC.staged):
        own = [
            e
            for e in events
            if (e["service"], e["environment"]) == (spike["service"], spike["environment"])
        ]
        during = [spike["start"] <= e["timestamp"] < spike["end"] for e in own]
        slow = mean(e["response_time"] for e, is_in in zip(own, during, strict=True) if is_in)
        usual = mean(e["response_time"] for e, is_in in zip(own, during, strict=True) if not is_in)
        assert slow / usual == pytest.approx(spike["slower"], rel=0.5)


@pytest.mark.parametrize("hours", [1, 5])
def test_spikes_have_room(hours: int) -> None:
    """None is in the first half hour, out of the files, or near another of its service."""
    spec = replace(SPEC, hours=hours, spikes=50)
    by_key: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for spike in spec.staged:
        by_key.setdefault((spike.service, spike.environment), []).append((spike.start, spike.end))
    room = QUIET_MINUTES * MINUTE
    assert by_key
    for spans in by_key.values():
        assert spans[0][0] >= spec.start + room
        assert spans[-1][1] <= spec.start + hours * HOUR
        assert all(b[0] - a[1] >= room for a, b in pairwise(spans))


@pytest.mark.slow
def test_the_command_makes_a_folder_with_its_truth(tmp_path: Path) -> None:
    """A second call makes nothing; other flags are refused."""
    words = ["services", "--hours", "1", "--rate", "1", "--output-dir", str(tmp_path / "data")]
    first = CliRunner().invoke(files, words)
    again = CliRunner().invoke(files, words)
    other = CliRunner().invoke(files, [*words, "--seed", "2"])
    truth = json.loads((tmp_path / "data" / "_truth" / "spikes.json").read_text())
    assert ("12 files made" in first.output, "0 files made" in again.output) == (True, True)
    assert len(truth) == 6
    assert "other flags" in str(other.exception)


def test_an_environment_is_a_plain_name(tmp_path: Path) -> None:
    """It becomes a folder, so that it cannot be a path."""
    words = ["services", "--environments", "../up", "--output-dir", str(tmp_path)]
    assert CliRunner().invoke(files, words).exit_code == 2
