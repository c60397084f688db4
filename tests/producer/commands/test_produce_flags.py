"""Flags make the order that they say, and what does not fit is said before anything is sent."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from support import produced

from lakehouse.errors import BrokerError, SettingsError
from lakehouse.runtime import kafka
from lakehouse.terminal.options import given
from producer import spool
from producer.commands.produce import incident_spec, options_of, produce
from producer.job import IncidentSpec, Run
from producer.traffic.curve import MICROS
from producer.traffic.scenarios import INCIDENTS


def order(*flags: str) -> Any:
    """The order of a command line."""
    context = produce.make_context("produce", list(flags))
    return options_of(given(context), context.params)


def test_replay_alone_means_no_synthetic_traffic(tmp_path: Path) -> None:
    """With --rate beside it, both; without a replay, synthetic traffic."""
    log = tmp_path / "access.log"
    log.touch()

    assert order("--replay", str(log)).synthetic is None
    assert order("--replay", str(log), "--rate", "5").synthetic.rate == 5
    assert order().replay is None
    assert order().synthetic.rate == 500


def test_unsent_records_and_labels_belong_to_the_lake(tmp_path: Path) -> None:
    """Unless named, they lie under the lake's state; unsent ones by topic."""
    made = order("--lake", str(tmp_path), "--topic", "other")

    assert made.spool == tmp_path / "_state" / "unsent" / "other"
    assert made.synthetic.labels == tmp_path / "_state" / "labels.ndjson"


def test_lengths_of_time() -> None:
    """Seconds, or a number with a unit."""
    made = order("--backfill", "2h", "--duration", "90")

    assert (made.synthetic.backfill, made.duration) == (7200 * MICROS, 90 * MICROS)


def test_an_incident_has_a_start_and_a_length() -> None:
    """Its name, when it starts after the first live event, how long it is."""
    found = incident_spec("outage@+2m:300", ["outage"])

    assert found == IncidentSpec("outage", 120 * MICROS, 300 * MICROS)


@pytest.mark.parametrize("text", ["", "outage", "outage@120s:5s", "outage@+1s:0", "flood@+1s:5s"])
def test_other_incidents_are_refused(text: str) -> None:
    """The error shows the form and the names that there are."""
    with pytest.raises(SettingsError, match=r"NAME@\+START:LENGTH.*names: outage, scanner"):
        incident_spec(text, ["outage", "scanner"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--incident", "flood@+1s:2s"), "names: brute-force, error-burst"),
        (("--duration", "soon"), "write one as 90, 90s, 5m, 2h or 1d"),
        (("--malformed", "0.9", "--late", "0.9"), "together at most 1"),
        (("--spool", "/dev/null/x"), "make it writable"),
    ],
)
def test_faults_are_said_with_their_remedy(
    flags: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    """Exit code 2 and no stack trace."""
    ended = produced.run("127.0.0.1:9", "web-logs", tmp_path, *flags)

    assert ended.code == 2
    assert said in ended.told
    assert "Traceback" not in ended.told


@pytest.mark.nightly
def test_without_a_broker_leftovers_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an error, and what an earlier run kept is still there."""
    monkeypatch.setattr(kafka, "PATIENCE_SECONDS", 0.5)
    kept = spool.keep(tmp_path, [(b"k", b"v")])
    asked = order("--bootstrap", "127.0.0.1:9", "--spool", str(tmp_path))

    with pytest.raises(BrokerError, match="does not answer"):
        Run(asked, threading.Event(), print, print)()
    assert kept is not None
    assert kept.exists()


def test_help_names_every_incident() -> None:
    """A new incident is in the help by itself."""
    text = produce.get_help(produce.make_context("produce", []))

    assert all(name in text for name in INCIDENTS)
