"""Every incident does what its name says, in its time and nowhere else, and labels it so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import mean
from typing import Any

import orjson
import pytest
from support.edited import edit_only, edited
from support.flow import START, events, records, staged

from producer.traffic.curve import MICROS
from producer.traffic.faults import Shares
from producer.traffic.scenarios import INCIDENTS, Label
from producer.traffic.truth import Truth

pytestmark = pytest.mark.slow

Events = list[dict[str, Any]]
SINCE, UNTIL, END = 60, 120, 180


def _on(label: Label, among: Events) -> Events:
    keys = {name: getattr(label, name) for name in ("service", "endpoint", "ip")}
    return [e for e in among if all(e[name] == key for name, key in keys.items() if key)]


def _broken(among: Events) -> float:
    return mean(event["status_code"] >= 500 for event in among)


def _latency(among: Events) -> float:
    return mean(event["response_time"] for event in among)


def _refused(among: Events) -> float:
    return mean(400 <= event["status_code"] < 500 for event in among)


SAYS: dict[str, Callable[[Events, Events], bool]] = {
    "traffic-spike": lambda inside, outside: len(inside) > 1.5 * len(outside),
    "error-burst": lambda inside, outside: _broken(inside) > 0.5 > 0.05 > _broken(outside),
    "latency-ramp": lambda inside, outside: _latency(inside[-50:]) > 4 * _latency(outside),
    "outage": lambda inside, outside: not inside and len(outside) > 100,
    "scanner": lambda inside, outside: len(inside) > 100 and not outside and _refused(inside) == 1,
    "brute-force": lambda inside, outside: (
        len(inside) > 100 and not outside and _refused(inside) == 1
    ),
}


@pytest.mark.parametrize("name", INCIDENTS)
def test_incident_does_what_its_name_says_in_its_time_only(name: str) -> None:
    """Inside its window the labelled traffic is as `SAYS` has it, outside it is ordinary."""
    incident = staged(name, SINCE, UNTIL)
    marked = _on(incident.label, events(END, incident=incident))
    inside = [event for event in marked if SINCE <= event["at"] < UNTIL]
    outside = [event for event in marked if not SINCE <= event["at"] < UNTIL]

    assert SAYS[name](inside, outside)


@pytest.mark.slow
@pytest.mark.parametrize("name", INCIDENTS)
def test_traffic_before_an_incident_is_untouched(name: str) -> None:
    """Up to its start, the bytes are those of a run without it."""
    with_it = records(END, incident=staged(name, SINCE, UNTIL))
    before = sum(event["at"] < SINCE for event in events(SINCE))

    assert with_it[:before] == records(SINCE)[:before]
    assert with_it != records(END)


@pytest.mark.slow
@pytest.mark.parametrize("name", INCIDENTS)
def test_late_events_do_not_carry_an_incident_out_of_its_time(name: str) -> None:
    """An event that arrives late during an incident, but happened before, is ordinary."""
    incident = staged(name, SINCE, UNTIL)
    late = events(UNTIL, incident=incident, shares=Shares(late=1.0))
    before = _on(incident.label, [event for event in late if event["at"] < SINCE])

    assert before == [] if incident.label.ip else _broken(before) < 0.05


@pytest.mark.parametrize("name", INCIDENTS)
def test_label_is_its_kind_keys_and_time(name: str) -> None:
    """The truth names the incident, at least one key, and its start and end in UTC."""
    line = staged(name, SINCE, UNTIL).label.line()

    assert line["kind"] == name
    assert line.keys() & {"service", "endpoint", "ip"}
    assert (line["start"], line["end"]) == (
        "2026-09-21T14:14:20.000000Z",
        "2026-09-21T14:15:20.000000Z",
    )


@pytest.mark.parametrize("name", INCIDENTS)
def test_every_incident_explains_itself(name: str) -> None:
    """One line of text, for the help."""
    assert (INCIDENTS[name].__doc__ or "").endswith(".")


def test_truth_ends_with_the_run(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Stopped early, an incident's label is cut, and one that never began is not written."""
    labels = [staged("outage", *times).label for times in [(0, 10), (20, 60), (90, 100)]]
    truth = Truth(tmp_path / "labels.ndjson", labels)
    truth.close(START + 30 * MICROS)
    truth.close(START + 40 * MICROS, stopped=True)
    lines = [orjson.loads(line) for line in (tmp_path / "labels.ndjson").open("rb")]

    assert [line["end"][14:19] for line in lines] == ["13:30", "14:00"]


ADDED = '''
@incident
def midnight_sale(stage: Stage) -> Incident:
    """Everything gets three times its requests."""
    return Incident(stage.label("midnight-sale", service="storefront"), surge=3.0)


'''
ASKED = """
import json
from click.testing import CliRunner
from support.flow import events, staged
from cli.__main__ import logpond

help = CliRunner().invoke(logpond, ["produce", "--help"]).stdout
sale = staged("midnight-sale", 5, 10)
times = [event["at"] for event in events(15, incident=sale)]
during = sum(5 <= at < 10 for at in times)
print(json.dumps({"help": "midnight-sale" in help, "label": sale.label.line()["kind"],
                  "share": during / len(times)}))
"""


@pytest.mark.slow
def test_an_incident_is_one_function(tmp_path: Path) -> None:
    """Its flag, its line of help, its label and its traffic follow, as ARCHITECTURE.md promises."""
    file = edit_only("an incident")
    found = edited(tmp_path, file, "@incident", ADDED).run(ASKED)

    assert (found["help"], found["label"]) == (True, "midnight-sale")
    assert found["share"] == pytest.approx(3 / 5, abs=0.05)
