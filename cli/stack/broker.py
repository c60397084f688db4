"""The embedded broker: one Kafka in KRaft mode as a child process, for this machine only."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from lakehouse.errors import BrokerError, LogpondError
from lakehouse.runtime import class_archive, environment, jars, java, kafka, processes
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.settings import CONF
from lakehouse.store.disk import full, in_words

READY_SECONDS = 90.0
# Small and local: one node in both roles, no compaction buffers of 128 MB, one partition for each
# internal topic, no topic by accident, nothing open to other machines. After a crash it waits for
# its own former session to expire: 9 s unless told otherwise.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={logs}
log.message.timestamp.type=LogAppendTime
log.retention.hours=48
log.retention.bytes=4294967296
log.segment.bytes=67108864
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=4194304
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
"""


class Broker:
    """A broker whose records are in the folder `data`; they survive any end of it.

    Start it in a thread that outlives it. With `port` 0, or one in use, it takes a free port.
    `on_owned` is called once it is known that no other process runs a broker there.
    """

    def __init__(
        self,
        data: str,
        port: int = 0,
        heap: str = "256m",
        say: Callable[[str], None] = lambda _text: None,
        on_owned: Callable[[], None] = lambda: None,
    ) -> None:
        self.on_owned = on_owned
        self.data, self.wanted_port, self.heap, self.say = Path(data), port, heap, say
        self.port = 0
        self.child: processes.Child | None = None

    @property
    def bootstrap(self) -> str:
        """Where clients connect, once it is started."""
        return f"127.0.0.1:{self.port}"

    @property
    def connection(self) -> Connection:
        """How they do."""
        return Connection(self.bootstrap)

    def start(self) -> None:
        """Starts it and waits until it answers; else raises BrokerError with its last output."""
        self.data.mkdir(parents=True, exist_ok=True)
        self._refuse_second()
        self.on_owned()
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
        """Ends it in an orderly way. May be called again."""
        if self.child:
            processes.end(self.child)
        self._forget()

    def kill(self) -> None:
        """Ends it as a crash would."""
        if self.child:
            self.child.kill()
            self.child.wait()
        self._forget()

    def failure(self) -> LogpondError | None:
        """Returns the error to report if it ended by itself; None while it runs."""
        if self.child is None or self.child.poll() is None:
            return None
        words = self._last_words()
        return full(words, [str(self.data)]) or BrokerError(
            f"Kafka ended by itself (exit code {self.child.returncode}):\n{words}",
            f"its log: {self.log}",
        )

    @property
    def log(self) -> Path:
        """The file of its log."""
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
        done = subprocess.run(_format_command(config, self.log), capture_output=True, text=True)
        if done.returncode:
            raise BrokerError(f"Kafka could not make its folder {logs}:\n{done.stderr[-800:]}")
        pending.replace(logs)

    def _configure(self, logs: Path) -> Path:
        config = self.data / "server.properties"
        folder, controller = str(logs).replace("\\", "\\\\"), processes.free_port()
        config.write_text(PROPERTIES.format(logs=folder, port=self.port, controller=controller))
        return config

    def _launch(self) -> None:
        config = self._configure(self.data / "kafka")
        self.log.unlink(missing_ok=True)
        with (self.data / "broker.out").open("wb") as out:
            command = _start_command(config, self.log, self.heap)
            self.child = processes.spawn(command, out, subprocess.STDOUT)
        processes.write_owner(self.child, self._pid_file)

    def _is_ready(self, until: float, is_last: bool) -> bool:
        """Waits until this broker answers; returns False if its port was taken meanwhile."""
        while kafka.cluster_id(self.connection, patience=0.5) != self._cluster_id():
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
        """Returns the cluster id that this broker's folder was made with."""
        lines = (self.data / "kafka" / "meta.properties").read_text().splitlines()
        return next(line.partition("=")[2] for line in lines if line.startswith("cluster.id="))

    def _last_words(self) -> str:
        return processes.last_lines(self.log, self.data / "broker.out")

    def _forget(self) -> None:
        self.child = None
        self._pid_file.unlink(missing_ok=True)


def _format_command(config: Path, log: Path) -> list[str]:
    """Returns the command that makes the folder of a new broker, with its own cluster id."""
    tool = ["kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(config)]
    return [*_java(log, "128m"), *tool]


def _start_command(config: Path, log: Path, heap: str) -> list[str]:
    """Returns the command that runs the broker until SIGTERM."""
    return [*_java(log, heap), "kafka.Kafka", str(config)]


def _java(log: Path, heap: str) -> list[str]:
    return [
        java.check(),
        f"-Xmx{heap}",
        *environment.java_options(log.parent / "tmp"),
        *class_archive.java_options("broker"),
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        f"-Dlog4j2.configurationFile={CONF / 'log4j2-broker.properties'}",
        "-Dlog4j2.disableJmx=true",
        f"-Dlogpond.broker.log={log}",
        "-cp",
        os.pathsep.join(str(jar) for jar in jars.broker_jars()),
    ]


def _cluster_id() -> str:
    """Returns a random id in Kafka's form; one with a dash first would be taken for an option."""
    while (name := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))[0] == "-":
        continue
    return name
