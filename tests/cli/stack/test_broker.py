"""The embedded broker keeps what it took, and leaves nothing running."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from support.messages import send

from cli.stack.broker import Broker
from lakehouse.errors import BrokerError
from lakehouse.runtime import kafka, processes

pytestmark = pytest.mark.broker

OWNER = """
import sys, time
from cli.stack.broker import Broker
broker = Broker(sys.argv[1])
broker.start()
print(broker.child.pid, flush=True)
time.sleep(600)
"""


def owner_of_a_broker(data: Path) -> tuple[subprocess.Popen[str], psutil.Process]:
    """Another process that runs a broker, and that broker."""
    command = [sys.executable, "-c", OWNER, str(data)]
    owner = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert owner.stdout
    return owner, psutil.Process(int(owner.stdout.readline()))


def gone(process: psutil.Process, within: float) -> bool:
    """Whether a process ends in time; one that nobody has buried yet has ended."""
    until = time.monotonic() + within
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def test_records_survive_a_stop_and_a_crash(tmp_path: Path) -> None:
    """What was acknowledged is there after an orderly end, and after kill -9."""
    broker = Broker(str(tmp_path))
    broker.start()
    before = kafka.create(broker.connection, "kept", partitions=1)
    send(broker.bootstrap, "kept", [b"x"] * 1000)
    broker.stop()
    broker.start()
    send(broker.bootstrap, "kept", [b"y"] * 1000)
    broker.kill()
    with broker:
        assert kafka.offsets(broker.connection, "kept") == {0: (0, 2000)}
        assert kafka.describe(broker.connection, "kept") == before


def test_second_broker_on_the_same_data_is_refused(broker: Broker) -> None:
    """Data that a living broker holds is not touched; the error names the process."""
    with pytest.raises(BrokerError, match=r"another logpond \(process \d+\)"):
        Broker(str(broker.data)).start()
    assert kafka.is_up(broker.connection)


def test_port_in_use_is_stepped_around(broker: Broker) -> None:
    """A port in use is said, and a free one taken."""
    said: list[str] = []
    other = Broker(str(broker.data / "unused"), port=broker.port, say=said.append)
    other._choose_port()
    assert other.port != broker.port
    assert f"port {broker.port} is in use" in said[0]


def test_only_this_machine_can_connect(broker: Broker) -> None:
    """The broker listens on the loopback address and nowhere else."""
    assert broker.child
    listening = psutil.Process(broker.child.pid).net_connections("tcp")
    addresses = {at.laddr.ip for at in listening if at.status == psutil.CONN_LISTEN}
    assert addresses <= {"127.0.0.1", "::ffff:127.0.0.1"}


def test_ctrl_c_in_the_terminal_does_not_reach_it(broker: Broker) -> None:
    """The broker is in a process group of its own, for it must outlive the drain."""
    assert broker.child
    assert os.getpgid(broker.child.pid) != os.getpgid(0)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends it")
def test_broker_ends_with_its_owner(tmp_path: Path) -> None:
    """An owner that is killed leaves no broker behind."""
    owner, child = owner_of_a_broker(tmp_path)
    owner.kill()
    owner.wait()
    assert gone(child, within=20)


def test_orphan_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker whose owner is gone gives way to a new one on the same data."""
    monkeypatch.setattr(processes, "STALE_SECONDS", 1.0)
    owner, child = owner_of_a_broker(tmp_path)
    child.suspend()  # deaf to the signal that its owner's end sends
    owner.kill()
    owner.wait()
    with Broker(str(tmp_path)) as broker:
        assert kafka.is_up(broker.connection)
    assert gone(child, within=0)


def test_failure_shows_the_last_words(tmp_path: Path) -> None:
    """A broker that cannot start says why."""
    broker = Broker(str(tmp_path), heap="1k")
    with pytest.raises(BrokerError, match="Too small maximum heap"):
        broker.start()


def test_end_by_itself_is_noticed(tmp_path: Path) -> None:
    """A broker that dies while we run is a failure with its exit code."""
    with Broker(str(tmp_path)) as broker:
        assert broker.child
        assert broker.failure() is None
        broker.child.kill()
        broker.child.wait()
        assert "ended by itself" in str(broker.failure())


def test_free_port_is_free() -> None:
    """The port that is chosen can be listened on."""
    with socket.create_server(("127.0.0.1", processes.free_port())) as server:
        assert server.fileno()


class Beaten(Broker):
    """A broker whose port is taken by another between the look at it and the start."""

    thief: socket.socket | None = None

    def _launch(self) -> None:
        if self.thief is None:
            self.thief = socket.socket()
            self.thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.thief.bind(("127.0.0.1", self.port))
            self.thief.listen()
        super()._launch()


def test_a_port_lost_at_the_last_moment_is_replaced(tmp_path: Path) -> None:
    """What answers is this broker, never another program on the port that it wanted."""
    with Beaten(str(tmp_path)) as broker:
        assert broker.thief
        assert broker.port != broker.thief.getsockname()[1]
        assert kafka.is_up(broker.connection)
        broker.thief.close()
