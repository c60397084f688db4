"""The parts of the local stack, each by itself."""

import signal
from contextlib import closing
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from support.postgres import until_connected
from support.serving import until_answered

from cli.commands.up import exit_code, summary
from cli.stack.programs import Gateway, Page, Sender, Tables
from cli.stack.screen import Screen, Status
from cli.stack.stack import Outcome, Setup, Stack, Stops
from lakehouse.errors import CheckpointError, SettingsError
from lakehouse.ingest.queries import INGEST, MINUTES, Query
from lakehouse.paths import Places
from lakehouse.proof.verdict import Verdict
from lakehouse.runtime import kafka
from lakehouse.settings import load
from streaming.progress import BatchReport


def verdict(ok: bool = True, gaps: int = 0) -> Verdict:
    """A verdict about ten records."""
    figures = dict.fromkeys((one.name for one in fields(Verdict) if one.type == "int"), 0)
    counted = {"records": 10, "logs": 8, "quarantine": 2, "gaps": gaps}
    return Verdict(ok=ok, versions={}, **{**figures, **counted})


def test_batches_add_up() -> None:
    """Rows of a batch count where they went."""
    status = Status("lake", logs=100)
    report = BatchReport(3, 50, 5, 0.5, 7, datetime.now(UTC), {})
    status.committed(report)
    assert (status.logs, status.quarantine) == (145, 5)
    assert dict(status.rows())["lag"] == "7 records"
    assert "batch 3, 50 rows in 0.5 s" in status.line()


def test_failed_proof_fails_the_run() -> None:
    """The exit code is that of verify, and the summary says what is wrong."""
    outcome = Outcome(verdict(ok=False, gaps=3))
    assert exit_code(outcome) == 1
    assert any("FAILED" in line and "3 gaps" in line for line in summary(outcome, Status("lake")))


def test_good_proof_is_exit_code_0() -> None:
    """A run that is proven ends well."""
    assert exit_code(Outcome(verdict())) == 0


@pytest.mark.parametrize("query", [INGEST, MINUTES])
def test_a_second_writer_is_refused_before_anything_starts(tmp_path: Path, query: Query) -> None:
    """A stream, a standby that took over, or a detection of its own: neither Kafka nor Spark."""
    settings = load(lake=str(tmp_path / "lake"))
    places = Places.of(settings)
    stack = Stack(Setup(settings, embedded=True, produce=[]), Screen(Status("lake")), Stops())
    with query.alone(places), pytest.raises(CheckpointError, match="runs already"):
        stack()
    assert not Path(places.broker).exists()
    assert not [*Path(places.state).glob("spark*")]


def test_first_signal_asks_and_second_hurries() -> None:
    """Stops tell an orderly end from a quick one; the old handlers come back."""
    before = signal.getsignal(signal.SIGTERM)
    with Stops().listening() as stops:
        signal.raise_signal(signal.SIGTERM)
        assert (stops.asked.is_set(), stops.hurry.is_set()) == (True, False)
        signal.raise_signal(signal.SIGTERM)
        assert stops.hurry.is_set()
    assert signal.getsignal(signal.SIGTERM) is before


def test_failed_producer_shows_its_words(tmp_path: Path) -> None:
    """A producer that ends with a fault is told with the last lines it said."""
    sender = Sender(["--topic", "no spaces"], tmp_path / "producer.log", Status("lake"))
    sender.start()
    assert sender._child
    sender._child.wait(30)
    assert "kafka.topic" in str(sender.failure())


@pytest.mark.slow
def test_the_first_token_of_the_gateway_is_on_the_screen_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sends, and no log of the lake has it."""
    monkeypatch.setattr(kafka, "describe", lambda *_: None)
    nowhere = {"lake": str(tmp_path), "kafka_bootstrap": "127.0.0.1:1"}
    settings, lines = load(gateway_host="0.0.0.0", **nowhere), list[str]()
    with closing(Gateway(Places.of(settings))) as gateway:
        at = gateway.start(settings, lines.append)
        assert until_answered(f"{at}healthz") == "ok\n"
        (secret,) = [line.rpartition(" ")[2] for line in lines]
        sent = {"authorization": f"Bearer {secret}", "content-encoding": "br"}
        assert httpx.post(f"{at}ingest/app", headers=sent).status_code == 415
    log = Places.of(settings).program_log("gateway").read_text()
    assert ("http://" in log, secret in log, "token" in log) == (True, False, False)


@pytest.mark.slow
def test_the_page_says_at_which_port_the_gateway_is(tmp_path: Path) -> None:
    """Also where that of the settings was taken, and the gateway got another one."""
    settings = load(lake=str(tmp_path), kafka_bootstrap="127.0.0.1:1")
    with closing(Page(Places.of(settings))) as page:
        at = page.start(settings, 4777)
        until_answered(f"{at}healthz")
        assert "http://127.0.0.1:4777/ingest/app" in httpx.get(f"{at}ingest").text


@pytest.mark.slow
def test_the_tables_are_served_where_the_screen_says(tmp_path: Path) -> None:
    """To tools that speak PostgreSQL's protocol; others get no word of it where it is unsafe."""
    lines = list[str]()
    settings = load(lake=str(tmp_path))
    with closing(Tables(Places.of(settings))) as tables:
        at = tables.start(settings, lines.append)
        assert until_connected(at).execute("SELECT current_database()").fetchone() == ("logpond",)
    assert lines == []
    unsafe = load(lake=str(tmp_path), postgres_host="0.0.0.0")
    with closing(Tables(Places.of(unsafe))) as tables, pytest.raises(SettingsError):
        tables.start(unsafe, lines.append)
