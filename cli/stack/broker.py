"""The embedded broker: one Kafka in KRaft mode, as a child process, on this machine only."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from cli.stack import broker_setup
from lakehouse.errors import BrokerError, LogpondError
from lakehouse.runtime import kafka, processes
from lakehouse.store.disk import full, in_words

READY_SECONDS = 90.0


class Broker:
    """A broker whose records live in the folder `data`, and survive its end, however it ends.

    Start it in a thread that outlives it. `port` 0 takes a free one, as does a port in use.
    """

    def __init__(
        self,
        data: str,
        port: int = 0,
        heap: str = "256m",
        retention_hours: int = 48,
        retention_bytes: int = 4 << 30,
        say: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.data, self.wanted_port, self.heap, self.say = Path(data), port, heap, say
        self.retention = (retention_hours, retention_bytes)
        self.port = 0
        self.child: processes.Child | None = None

    @property
    def bootstrap(self) -> str:
        """Where clients connect, once it is started."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers; BrokerError, with its last words, if it does not."""
        self.data.mkdir(parents=True, exist_ok=True)
        self._refuse_second()
        began = time.monotonic()
        self.say("starting Kafka")
        for is_last in (False, False, True):
            self._choose_port()
            self._format()
            self._launch()
            if self._is_ready(began + READY_SECONDS, is_last):
                break
        self.say(f"Kafka answers at {self.bootstrap} ({time.monotonic() - began:.1f} s)")

    def stop(self) -> None:
        """End it in an orderly way; again is no fault."""
        if self.child:
            processes.end(self.child)
        self._forget()

    def kill(self) -> None:
        """End it as a crash would."""
        if self.child:
            self.child.kill()
            self.child.wait()
        self._forget()

    def failure(self) -> LogpondError | None:
        """What to say if it ended by itself; None while it runs."""
        if self.child is None or self.child.poll() is None:
            return None
        words = self._last_words()
        return full(words, [str(self.data)]) or BrokerError(
            f"Kafka ended by itself (exit code {self.child.returncode}):\n{words}",
            f"its log: {self.log}",
        )

    @property
    def log(self) -> Path:
        """Where it writes what it does."""
        return self.data / "broker.log"

    def __enter__(self) -> Broker:
        with in_words(str(self.data)):
            self.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _pid_file(self) -> Path:
        return self.data / "broker.pid"

    def _refuse_second(self) -> None:
        owner = processes.owner_of(self._pid_file)
        if owner is not None:
            raise BrokerError(
                f"another logpond (process {owner}) runs Kafka on {self.data}",
                "stop it, or use another lake with --lake",
            )

    def _choose_port(self) -> None:
        self.port = processes.free_port(self.wanted_port)
        if self.wanted_port not in (0, self.port):
            self.say(f"port {self.wanted_port} is in use: Kafka takes {self.port}")

    def _format(self) -> None:
        logs, pending = self.data / "kafka", self.data / "kafka.new"
        if logs.is_dir():
            return
        shutil.rmtree(pending, ignore_errors=True)
        config = self._configure(pending)
        said = subprocess.run(
            broker_setup.format_command(config, self.log), capture_output=True, text=True
        )
        if said.returncode:
            raise BrokerError(f"Kafka could not make its folder {logs}:\n{said.stderr[-800:]}")
        pending.replace(logs)

    def _configure(self, logs: Path) -> Path:
        config = self.data / "server.properties"
        config.write_text(
            broker_setup.properties(logs, self.port, processes.free_port(), *self.retention)
        )
        return config

    def _launch(self) -> None:
        config = self._configure(self.data / "kafka")
        self.log.unlink(missing_ok=True)
        with (self.data / "broker.out").open("wb") as out:
            command = broker_setup.start_command(config, self.log, self.heap)
            self.child = processes.spawn(command, out, subprocess.STDOUT)
        processes.record(self.child, self._pid_file)

    def _is_ready(self, until: float, is_last: bool) -> bool:
        """Wait until it answers, it and no other; False if its port was taken meanwhile."""
        while kafka.cluster_id(self.bootstrap, patience=0.5) != self._cluster_id():
            if failure := self.failure():
                if is_last or processes.free_port(self.port) == self.port:
                    raise failure
                return False
            if time.monotonic() > until:
                self.stop()
                raise BrokerError(
                    f"Kafka did not answer in {READY_SECONDS:.0f} s:\n{self._last_words()}",
                    f"its log: {self.log}",
                )
        return True

    def _cluster_id(self) -> str:
        """The id that this broker's folder was made with."""
        lines = (self.data / "kafka" / "meta.properties").read_text().splitlines()
        return next(line.partition("=")[2] for line in lines if line.startswith("cluster.id="))

    def _last_words(self) -> str:
        return processes.last_lines(self.log, self.data / "broker.out")

    def _forget(self) -> None:
        self.child = None
        self._pid_file.unlink(missing_ok=True)
