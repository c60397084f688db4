"""How the embedded broker is configured and called: text and command lines, nothing is run."""

from __future__ import annotations

import base64
import os
import uuid
from pathlib import Path

from lakehouse.runtime import environment, jars, java
from lakehouse.settings import CONF

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
log.retention.hours={hours}
log.retention.bytes={size}
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


def properties(logs: Path, port: int, controller: int, hours: int, size: int) -> str:
    """The broker's configuration file."""
    folder = str(logs).replace("\\", "\\\\")
    return PROPERTIES.format(logs=folder, port=port, controller=controller, hours=hours, size=size)


def format_command(config: Path, log: Path) -> list[str]:
    """Makes the folder of a new broker, which gets a cluster id of its own."""
    tool = ["kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(config)]
    return [*_java(log, "128m"), *tool]


def start_command(config: Path, log: Path, heap: str) -> list[str]:
    """Runs the broker until it is told to stop."""
    return [*_java(log, heap), "kafka.Kafka", str(config)]


def _java(log: Path, heap: str) -> list[str]:
    return [
        java.check(),
        f"-Xmx{heap}",
        *environment.java_options(log.parent / "tmp"),
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        f"-Dlog4j2.configurationFile={CONF / 'log4j2-broker.properties'}",
        "-Dlog4j2.disableJmx=true",
        f"-Dlogpond.broker.log={log}",
        "-cp",
        os.pathsep.join(str(jar) for jar in jars.broker_jars()),
    ]


def _cluster_id() -> str:
    """A random id as Kafka writes them; one that starts with a dash would read as an option."""
    while (name := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="))[0] == "-":
        continue
    return name
