"""Lengths of time and incidents are read as people write them, or refused with the form."""

from __future__ import annotations

import pytest

from lakehouse.errors import SettingsError
from producer.commands.lengths import Spec, span, spec
from producer.traffic.curve import MICROS


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("5m", 300), ("2h", 7200), ("0.5d", 43_200)]
)
def test_spans(text: str, seconds: int) -> None:
    """Seconds, or a number with a unit."""
    assert span(text) == seconds * MICROS


@pytest.mark.parametrize("text", ["", "-5", "5 m", "2w", "m", "1e3"])
def test_other_spans_are_refused(text: str) -> None:
    """The error shows how to write one."""
    with pytest.raises(SettingsError, match="write 90, 90s, 5m, 2h or 1d"):
        span(text)


def test_incident_spec() -> None:
    """Name, start after the first live event, length."""
    assert spec("outage@+2m:300s", ["outage"]) == Spec("outage", 120 * MICROS, 300 * MICROS)


@pytest.mark.parametrize("text", ["", "outage", "outage@120s:5s", "outage@+1s:0", "flood@+1s:5s"])
def test_other_incidents_are_refused(text: str) -> None:
    """The error shows the form and the names that there are."""
    with pytest.raises(SettingsError, match=r"NAME@\+START:LENGTH.*names: outage, scanner"):
        spec(text, ["outage", "scanner"])
