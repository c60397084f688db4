"""The parts of the local stack, each by itself."""

import signal
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from cli.commands.up import exit_code, summary
from cli.stack.programs import Sender
from cli.stack.screen import Status
from cli.stack.stack import Outcome, Stops
from lakehouse.proof.verify import Verdict
from streaming.report import BatchReport


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
