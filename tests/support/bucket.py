"""An object store that speaks S3: SeaweedFS as one process, which ends with whoever started it.

`python -m support.bucket COMMAND...` (`make demo-s3`) runs a command with a new bucket beside it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lakehouse.runtime import processes

READY_SECONDS = 60.0
WEED = str(Path(sys.executable).with_name("weed"))
REGION = "us-east-1"
ALL = ("Read", "Write", "List", "Tagging")
SERVICES = ("s3", "master", "volume", "filer")
PORTS = (*(name + of for name in SERVICES for of in ("", ".grpc")), "metrics")
IN_FLIGHT = re.compile(r"^SeaweedFS_s3_in_flight_requests\{.*\} [1-9]", re.MULTILINE)
COUNTED_SECONDS = 2.0
REQUESTS = re.compile(r'^SeaweedFS_s3_request_total\{bucket="(.*)",code=".*",type="(.*)"\} (\S+)$')


def _free_ports() -> dict[str, int]:
    """Returns a free port for each of its services."""
    found: dict[str, int] = {}
    for name in PORTS:
        while (port := processes.free_port()) in found.values():
            continue
        found[name] = port
    return found


@dataclass
class ObjectServer:
    """A server over a folder; it keeps its ports and its objects when it is started again.

    With the same secret, `reader_key` may read and change nothing, and `part_key` may do all below
    `part/` of the bucket `lake`, and nothing elsewhere.
    """

    folder: Path
    access_key: str = "logpond-tests"
    reader_key: str = "logpond-reader"
    part_key: str = "logpond-part"
    secret_key: str = field(default_factory=lambda: uuid.uuid4().hex)
    ports: dict[str, int] = field(default_factory=_free_ports)
    child: processes.Child | None = None

    @property
    def endpoint(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.ports['s3']}"

    def variables(self) -> dict[str, str]:
        """Returns the environment by which obstore, deltalake and others of AWS reach it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": REGION,
            "AWS_ALLOW_HTTP": "true",
        }

    def requests(self, bucket: str) -> Counter[str]:
        """Returns how many requests a bucket had since the start, by kind; HEAD is among GET.

        A request is counted a moment after its answer: those that are under way are waited for.
        """
        until = time.monotonic() + COUNTED_SECONDS
        while IN_FLIGHT.search(text := self._metrics()) and time.monotonic() < until:
            time.sleep(0.005)
        found = Counter[str]()
        for line in filter(None, map(REQUESTS.match, text.splitlines())):
            if line[1] == bucket:
                found[line[2]] += int(float(line[3]))
        return found

    def _metrics(self) -> str:
        address = f"http://127.0.0.1:{self.ports['metrics']}/metrics"
        with urllib.request.urlopen(address, timeout=10) as answer:
            return str(answer.read().decode())

    def start(self) -> None:
        """Starts it and waits until it answers."""
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        with (self.folder / "weed.log").open("ab") as log:
            self.child = processes.spawn(self._command(), log, subprocess.STDOUT)
        until = time.monotonic() + READY_SECONDS
        while not self._answers():
            ended = self.child.poll() is not None or time.monotonic() > until
            assert not ended, (self.folder / "weed.log").read_text(errors="replace")[-3000:]
            time.sleep(0.1)

    def stop(self) -> None:
        """Ends it in an orderly way. May be called again."""
        if self.child:
            processes.end(self.child)

    def kill(self) -> None:
        """Ends it as a crash would."""
        if self.child:
            self.child.kill()
            self.child.wait()

    def create(self, bucket: str) -> None:
        """Makes a bucket, which none is by accident; it takes a second."""
        self._shell(f"s3.bucket.create -name {bucket}")

    def delete(self, bucket: str) -> None:
        """Removes a bucket with all that is in it."""
        self._shell(f"s3.bucket.delete -name {bucket}")

    def _command(self) -> list[str]:
        config = self.folder / "identities.json"
        identities = [
            self._identity(self.access_key, ["Admin", "Read", "Write", "List", "Tagging"]),
            self._identity(self.reader_key, ["Read", "List"]),
            self._identity(self.part_key, [f"{may}:lake/part/*" for may in ALL]),
        ]
        config.write_text(json.dumps({"identities": identities}))
        ports = {_flag(name): port for name, port in self.ports.items()}
        return [
            *(WEED, "-logtostderr=true", "server", f"-dir={self.folder / 'data'}"),
            *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", f"-s3.config={config}"),
            *(
                "-master.telemetry=false",
                "-s3.autoCreateBucket=false",
                "-s3.port.iceberg=0",
                "-s3.port.lance=0",
                "-volume.max=0",
                "-master.volumeSizeLimitMB=256",
            ),
            *(f"{flag}={port}" for flag, port in ports.items()),
        ]

    def _identity(self, key: str, actions: list[str]) -> dict[str, object]:
        credentials = [{"accessKey": key, "secretKey": self.secret_key}]
        return {"name": key, "credentials": credentials, "actions": actions}

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(self.endpoint, timeout=1).close()
        except urllib.error.HTTPError:
            return True  # it does not know us
        except OSError:
            return False
        return True

    def _shell(self, line: str) -> None:
        master = f"-master=127.0.0.1:{self.ports['master']}.{self.ports['master.grpc']}"
        filer = f"-filer=127.0.0.1:{self.ports['filer']}.{self.ports['filer.grpc']}"
        done = subprocess.run(
            [WEED, "shell", master, filer],
            input=f"{line}\n".encode(),
            capture_output=True,
            timeout=60,
        )
        assert b"error" not in done.stdout + done.stderr, done.stdout + done.stderr


def _flag(name: str) -> str:
    """Returns the flag of a service's port: `-master.port`, `-master.port.grpc`."""
    if name == "metrics":
        return "-metricsPort"
    service, _, kind = name.partition(".")
    return f"-{service}.port" + (f".{kind}" if kind else "")


@dataclass(frozen=True)
class Bucket:
    """A place in a bucket which only one test knows, empty."""

    server: ObjectServer
    url: str

    def variables(self) -> dict[str, str]:
        """Returns the environment by which programs reach it."""
        return self.server.variables()


@contextmanager
def object_server(folder: Path, bucket: str = "lake") -> Iterator[ObjectServer]:
    """A server with one bucket."""
    server = ObjectServer(folder)
    server.start()
    try:
        server.create(bucket)
        yield server
    finally:
        server.kill()  # an orderly end takes 25 s


def main() -> int:
    """Runs a command with a bucket of its own, whose URL is LOGPOND_LAKE; its exit code."""
    with tempfile.TemporaryDirectory() as folder, object_server(Path(folder)) as server:
        print(f"a bucket at {server.endpoint}, until this ends: s3://lake/demo", flush=True)
        own = {**os.environ, **server.variables(), "LOGPOND_LAKE": "s3://lake/demo"}
        return subprocess.run(sys.argv[1:], env=own).returncode


if __name__ == "__main__":
    sys.exit(main())
