"""The parsing cases of JSONTestSuite and the naughty strings, where the real data is at hand."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from support.records import decoded, message, reason

CASES = 318


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> dict[str, bytes]:
    """Each case by its name: `y_` is JSON, `n_` is not, `i_` is either."""
    with tarfile.open(shared_data / "hostile" / "json_parsing_cases.tar.gz") as archive:
        files = {m.name: archive.extractfile(m) for m in archive if m.name.endswith(".json")}
        return {Path(name).name: file.read() for name, file in files.items() if file}


def in_front(value: bytes) -> bytes:
    """A valid event that starts with an unknown field of this value."""
    return b'{"other":' + value + b"," + message()[1:]


def behind(value: bytes) -> bytes:
    """A valid event that ends with an unknown field of this value."""
    return message()[:-1] + b',"other":' + value + b"}"


PLACES = {"whole": bytes, "in front": in_front, "behind": behind}


def reasons(payloads: dict[str, bytes]) -> dict[str, str]:
    """The reason of each rejected payload, all decoded in one batch."""
    rejects = decoded(*payloads.values()).rejects.to_pylist()
    names = list(payloads)
    return {names[row["_offset"]]: row["reason"] for row in rejects}


@pytest.mark.parametrize("place", PLACES)
def test_syntax_is_judged_as_the_suite_does(cases: dict[str, bytes], place: str) -> None:
    """No `y_` case is a syntax fault, every `n_` case is one, also inside an unknown field."""
    given = reasons({name: PLACES[place](value) for name, value in cases.items()})

    wrong = {n for n in cases if n[0] in "yn" and (given.get(n) == "syntax") != (n[0] == "n")}
    assert (len(cases), wrong) == (CASES, set())


@pytest.mark.parametrize("place", PLACES)
def test_a_case_has_the_same_verdict_alone(cases: dict[str, bytes], place: str) -> None:
    """Also where the suite leaves it open, the verdict is the same alone and among others."""
    payloads = {name: PLACES[place](value) for name, value in cases.items()}

    together = reasons(payloads)

    assert {n: r for n, p in payloads.items() if (r := reason(p))} == together


def test_an_unknown_field_may_hold_any_json(cases: dict[str, bytes]) -> None:
    """A valid event with an unknown field of any `y_` case stays an event."""
    payloads = [behind(value) for name, value in cases.items() if name.startswith("y_")]

    assert decoded(*payloads).events.num_rows == len(payloads)


@pytest.mark.parametrize("escaped", [True, False])
def test_naughty_strings_come_out_unchanged(shared_data: Path, escaped: bool) -> None:
    """Each of the naughty strings is the same before and after, as escapes and as UTF-8."""
    strings = json.loads((shared_data / "hostile" / "big_list_of_naughty_strings.json").read_text())
    template = json.loads(message())
    payloads = [
        json.dumps(template | {"path": s, "user_agent": s}, ensure_ascii=escaped).encode()
        for s in strings
    ]

    events = decoded(*payloads).events

    assert len(strings) == 515
    assert events.column("path").to_pylist() == strings
    assert events.column("user_agent").to_pylist() == strings
