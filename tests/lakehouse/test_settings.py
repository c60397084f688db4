"""Settings: the file says what the code does without it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from lakehouse.errors import SettingsError
from lakehouse.settings import CONF, Section, Settings, load
from lakehouse.toml_file import documented, render

DEFAULTS = Settings.model_construct()
SECTIONS = [value for _, value in DEFAULTS if isinstance(value, Section)]


def test_the_file_is_made_from_the_code() -> None:
    """Each default stands once: `make conf` writes it down with what it leads to."""
    shipped = (CONF / "logpond.toml").read_text()
    assert shipped == render(Settings.model_construct())


def test_the_file_says_the_defaults() -> None:
    """Read back, it changes nothing."""
    assert Settings(**tomllib.loads((CONF / "logpond.toml").read_text())) == DEFAULTS


@pytest.mark.parametrize("section", [DEFAULTS, *SECTIONS], ids=lambda one: type(one).__name__)
def test_every_setting_says_what_it_leads_to(section: BaseModel) -> None:
    """In a docstring under it, which is its comment in the file."""
    silent = [name for name, doc in documented(type(section)).items() if not doc]
    assert [name for name in silent if not isinstance(getattr(section, name), Section)] == []


def test_a_section_that_was_removed_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A settings file of before still says what to do, in one line."""
    (tmp_path / "old.toml").write_text('[watch_time]\ninput = "data/views"\nworkers = 2\n')
    monkeypatch.setenv("LOGPOND_CONF", str(tmp_path / "old.toml"))

    with pytest.raises(SettingsError) as refused:
        load()

    assert refused.value.what.splitlines()[1:] == [
        "    watch_time: is no section any more: its settings are flags of `logpond watch-time`"
    ]


FAULTS = {
    "a value is missing": (b"[ingest]\ntrigger_seconds = \n", "line 2"),
    "no UTF-8": (b'topic = 1\nlake = "caf\xe9"\n', "line 2: this is not UTF-8"),
    "UTF-16": ("lake = 1".encode("utf-16"), "line 1: this is not UTF-8"),
    "nested without end": (b"a = " + b"[" * 100_000, ""),
    "of another type": (b'[ingest]\n\ntrigger_seconds = "often"\n', "line 3"),
    "of an unknown name": (b"[web]\n[ingest]\ntriger_seconds = 5\n", "line 3"),
    "of an unknown section": (b"lake = 'x'\n[injest]\ntrigger_seconds = 5\n", "injest"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_file_is_named_with_its_line(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file and the line, and no stack trace."""
    content, said = FAULTS[fault]
    (tmp_path / "own.toml").write_bytes(content)
    monkeypatch.setenv("LOGPOND_CONF", str(tmp_path / "own.toml"))
    with pytest.raises(SettingsError) as error:
        load()
    assert str(tmp_path / "own.toml") in str(error.value)
    assert said in str(error.value)


def test_a_file_of_windows_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte order mark and CRLF change nothing."""
    (tmp_path / "own.toml").write_bytes(b"\xef\xbb\xbf[ingest]\r\ntrigger_seconds = 5.0\r\n")
    monkeypatch.setenv("LOGPOND_CONF", str(tmp_path / "own.toml"))
    assert load().ingest.trigger_seconds == 5.0


@pytest.mark.parametrize("place", ["/nowhere/logpond.toml", "/"])
def test_a_file_that_is_named_has_to_be_there(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip in LOGPOND_CONF does not mean the defaults."""
    monkeypatch.setenv("LOGPOND_CONF", place)
    with pytest.raises(SettingsError, match=f"^{place}: .*\n.*LOGPOND_CONF"):
        load()


def test_a_fault_in_a_variable_is_named_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with a line of the file, which says otherwise."""
    monkeypatch.setenv("LOGPOND_INGEST_MAX_OFFSETS", "")
    with pytest.raises(SettingsError, match=r"ingest\.max_offsets \(LOGPOND_INGEST_MAX_OFFSETS\)"):
        load()


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("LOGPOND_INJEST_MAX_OFFSETS", "LOGPOND_INGEST_MAX_OFFSETS"),
        ("LOGPOND_KAFAK_TOPIC", "LOGPOND_KAFKA_TOPIC"),
        ("LOGPOND_WINDOW_TRIGGER_SECONDS", "LOGPOND_WINDOWS_TRIGGER_SECONDS"),
    ],
)
def test_a_section_misspelt_in_a_variable_is_named(
    name: str, right: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else its setting would stay as it is, without a word."""
    monkeypatch.setenv(name, "7")
    with pytest.raises(SettingsError, match=f"{name} is no setting\n.*{right}"):
        load()


@pytest.mark.parametrize("given", ["{debug = 7}", '{"debug": 7}', "{ debug=7 }"])
def test_a_variable_of_days_is_json_or_as_in_the_file(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the comment in the file shows it."""
    monkeypatch.setenv("LOGPOND_RETENTION_SERVICES", given)
    assert load().retention.services == {"debug": 7}


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("LOGPOND_RETENTION_SERVICES", "debug = 7", 'as JSON: {"debug": 7}'),
        ("LOGPOND_RETENTION_TABLES", "{", 'as JSON: {"debug": 7}'),
        ("logpond_retention_sources", "7\na = 8", 'as JSON: {"debug": 7}'),
        ("LOGPOND_RETENTION_SERVICES", "7", "dictionary"),
        ("LOGPOND_RETENTION_SERVICES", '{"debug": 0}', "greater than or equal to 1"),
        ("LOGPOND_RETENTION_SERVICES", '{"": 3}', "a name is empty"),
        ("LOGPOND_RETENTION_SERVICES", '{" ": 3}', "a name is empty"),
        ("LOGPOND_PRIVACY", "ip=cut", "LOGPOND_PRIVACY_<NAME>"),
    ],
)
def test_a_variable_that_cannot_be_read_is_told_in_words(
    name: str, given: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name, and what it takes; no stack trace."""
    monkeypatch.setenv(name, given)
    with pytest.raises(SettingsError) as refused:
        load()
    assert name.upper() in str(refused.value).upper()
    assert words in str(refused.value)


@pytest.mark.parametrize("name", ["LOGPOND_JARS", "LOGPOND_MY_OWN", "LOGPOND_SERVICE_HOST"])
def test_a_variable_of_others_is_none_of_ours(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is passed over."""
    monkeypatch.setenv(name, "7")
    assert load() == Settings()


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (" a:1, b:2 ", "a:1,b:2"),
        ("kafka_1", "kafka_1:9092"),
        ("[::1]:9093,", "[::1]:9093"),
        ("PLAINTEXT://a:1", "PLAINTEXT://a:1"),
    ],
)
def test_brokers_are_named_as_both_clients_read_them(given: str, read: str) -> None:
    """Python's forgives blanks and takes a default port; Spark's ends in a stack trace."""
    assert load(kafka_bootstrap=given).kafka.bootstrap == read


@pytest.mark.parametrize("given", ["", ",", "a b:1", "a:99999", "a:x", "tcp//a:1", ":9092"])
def test_what_is_no_broker_is_refused(given: str) -> None:
    """By name, before anything waits for it."""
    with pytest.raises(SettingsError, match=r"kafka\.bootstrap"):
        load(kafka_bootstrap=given)


def test_the_gateway_has_room_for_its_largest_request() -> None:
    """Otherwise its sender would be told to come again for ever."""
    assert load(gateway_memory_mb=26).gateway.memory_mb == 26
    with pytest.raises(SettingsError, match="memory_mb must be at least 80"):
        load(gateway_body_mb=16, gateway_unpacked_mb=64)


@pytest.mark.parametrize(
    "given",
    [
        "javascript:alert('{trace_id}')",
        "//jaeger/{trace_id}",
        "https://{trace_id}.example/",
        "https://ann:secret@jaeger/{trace_id}",
        "https://jaeger/trace",
        "https://jaeger:99999/{trace_id}",
        "https://jaeger/ {trace_id}",
    ],
)
def test_what_is_no_link_to_a_trace_is_refused(given: str) -> None:
    """By name: an id of a log may choose neither the host nor what the browser does."""
    with pytest.raises(SettingsError, match=r"web\.trace_url"):
        load(web_trace_url=given)


def test_a_link_to_a_trace_is_kept_as_it_is() -> None:
    """Jaeger's, or Grafana's, whose query is encoded."""
    given = "https://grafana.example/explore?left=%7B%22query%22:%22{trace_id}%22%7D"
    assert load(web_trace_url=given).web.trace_url == given
