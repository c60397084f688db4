"""A file of sources says which topics are read and how; what does not fit is named, all of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.streams import settings

from lakehouse.errors import SettingsError
from lakehouse.formats.reading import Reading
from lakehouse.sources import Sources, sources_of

FULL = """\
[shop]
format = "json"
on_missing_time = "reject"

[app]
topics = ["app-logs", "cart"]
zone = "Europe/Berlin"
service = {topic = "^(.+?)(-logs)?$"}

[app.mapping]
response_time = {from = "duration", unit = "ns"}
user = "who"

[app.constants]
environment = "prod"

[pods]
pattern = "k8s[.].*"
service = {from = "labels.app"}
"""


def written(folder: Path, text: str) -> Sources:
    """The sources of a file that says this."""
    file = folder / "sources.toml"
    file.write_text(text)
    return sources_of(settings("localhost:9", "requests", folder, sources=str(file)))


def faults(folder: Path, text: str) -> list[str]:
    """What is wrong with it, a line each, without the file's name."""
    with pytest.raises(SettingsError) as refused:
        written(folder, text)
    lines = refused.value.what.splitlines()[1:] or [refused.value.what]
    return [line.strip().replace(f"{folder / 'sources.toml'}", "") for line in lines]


def test_our_own_file_has_the_shop_as_strict_as_it_was(tmp_path: Path) -> None:
    """Its requests need a time of their own, and its topic is that of the settings."""
    found = sources_of(settings("localhost:9", "requests", tmp_path))
    strict = Reading(source="web-logs", on_missing_time="reject")
    assert found.reading("requests") == strict
    assert found.of("app-logs") == "app"


def test_topics_belong_to_the_source_that_names_or_matches_them(tmp_path: Path) -> None:
    """A source that names none reads the topic of the settings."""
    found = written(tmp_path, FULL)
    existing = ["app-logs", "k8s.web", "other", "requests", "xk8s.web"]
    assert found.found(existing) == {"requests": "shop", "app-logs": "app", "k8s.web": "pods"}
    assert found.missing(existing) == {"cart": "app"}


def test_a_reading_is_what_the_source_says(tmp_path: Path) -> None:
    """The service may be taken from the topic, or from a key."""
    found = written(tmp_path, FULL)
    assert found.reading("app-logs") == Reading(
        source="app",
        mapping={"duration": "response_time", "who": "user"},
        units={"response_time": "ns"},
        constants={"environment": "prod", "service": "app"},
        zone="Europe/Berlin",
    )
    assert found.reading("cart").constants["service"] == "cart"  # type: ignore[union-attr]
    assert found.reading("k8s.web").mapping == {"labels.app": "service"}  # type: ignore[union-attr]
    assert found.reading("other") is None


def test_every_fault_is_named_with_its_line(tmp_path: Path) -> None:
    """In one refusal; what a person mistook is in it, and never a stack trace."""
    text = """\
[Shop]
format = "json"

[app]
topics = ["app logs"]
colour = "red"
zone = "Mars/North"
service = {topic = "("}

[app.mapping]
response_time = {from = "duration", unit = "hours"}

[two]
topics = ["one"]
pattern = ".*"
"""
    found = "\n".join(faults(tmp_path, text))
    for line, key in {
        1: "Shop",
        5: "app.topics",
        6: "app.colour",
        7: "app.zone",
        8: "app.service",
        11: "app.mapping.response_time.unit",
    }.items():
        assert f", line {line}: {key}" in found, found
    assert "there is no such key" in found
    assert "has topics and a pattern" in found
    assert "is no regular expression" in found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "there is no source in it"),
        ("[a", "Expected ']'"),
        ('[a]\ntopics = ["one"]\n[b]\ntopics = ["one"]\n', ", line 4: b.topics: one is read by"),
        ("[a]\n[b]\n", ", line 2: b.topics: requests is read by the source a already"),
        ('a = "b"\n', "a: "),
        ('[a.mapping]\nsize = "bytes"', "size is no field of an event: event_id, "),
        ("[a]\nservice = {}", 'must be a name, {from = "KEY"} or'),
        ('[a]\non_missing_time = "previous"', ", line 2: a.on_missing_time: previous is for files"),
        ('[a.mapping]\nuser = "x"\nip = "x"', "a: the key x gives user and ip: a key gives one"),
        (
            '[a]\nservice = {from = "x"}\n[a.mapping]\nservice = "y"',
            "a: y and x give service: a key gives one field, and a field has one key",
        ),
        (
            '[a]\nservice = {from = "x"}\n[a.mapping]\nuser = "x"',
            "a: the key x gives user and service",
        ),
        ('[a]\nformat = "text"', "a.options: the format text has no pattern with named groups: p"),
        (
            '[a]\nformat = "text"\noptions = {pattern = "("}',
            ", line 3: a.options: pattern is no regular expression",
        ),
        (
            '[a]\nformat = "csv"\noptions = {columns = ["a"], delimiter = "::"}',
            'a.options: they do not fit the format csv: "delimiter" must be a',
        ),
        ('[a]\nformat = "csv"\noptions = {columns = 5}', "a.options: they do not fit the format"),
        ('[a]\nformat = "csv"', "a.options: csv needs the names of its columns"),
        (
            '[a]\nformat = "docker"\noptions = {inner = "jsno"}',
            "a.options: there is no format jsno: formats: ",
        ),
        (
            '[a]\nformat = "mixed"\noptions = {formats = ["text", "raw"]}',
            "a.options: the format text has no pattern",
        ),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, text: str, why: str) -> None:
    """An empty file, none of TOML, a topic of two sources, no table."""
    assert any(why in fault for fault in faults(tmp_path, text)), faults(tmp_path, text)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """With its name, and who names it."""
    with pytest.raises(SettingsError, match=r"none\.toml: No such file") as refused:
        sources_of(settings("localhost:9", "x", tmp_path, sources=str(tmp_path / "none.toml")))
    assert "--sources" in refused.value.remedy
