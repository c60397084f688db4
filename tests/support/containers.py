"""The stack in containers, as a person would drive it: `docker compose`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Self

ROOT = Path(__file__).parents[2]
PROJECT = "logpond-test"
# Other ports than a person's own stack has, and traffic that two cores carry beside all else.
PORTS = {
    "KAFKA_PORT": "19092",
    "WEB_PORT": "18000",
    "GATEWAY_PORT": "14318",
    "KAFKA_UI_PORT": "18080",
    "STREAMING_UI_PORT": "14040",
    "ANOMALY_UI_PORT": "14041",
    "PROMETHEUS_PORT": "19090",
    "GRAFANA_PORT": "13000",
    "SPARK_MASTER_PORT": "18081",
}
TRAFFIC = {"RATE": "100", "BACKFILL": "0"}


def has_compose() -> bool:
    """Whether files can be read as `docker compose` does, which needs no engine."""
    words = ["docker", "compose", "version"]
    return (
        bool(shutil.which("docker")) and not subprocess.run(words, capture_output=True).returncode
    )


def missing() -> str | None:
    """Why no stack can be run here; None where it can."""
    if shutil.which("docker") is None:
        return "no docker here"
    asked = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    return None if asked.returncode == 0 else f"no engine answers: {asked.stderr.strip()[:200]}"


class Stack:
    """One project of `docker compose`; a `with` of it begins and ends with nothing."""

    token = "a-token-of-the-tests"

    def __init__(self, *more: str, profile: str = "", **settings: str) -> None:
        files = ["docker-compose.yml", "tests/compose/short.yml", *more]
        named = [word for file in files for word in ("-f", file)]
        chosen = ["--profile", profile] if profile else []
        self._words = ["docker", "compose", "-p", PROJECT, *named, *chosen]
        token = {"LOGPOND_WEB_TOKEN": self.token}
        self._environment = {**os.environ, **PORTS, **TRAFFIC, **token, **settings}

    def __enter__(self) -> Self:
        self("down", "--volumes", "--remove-orphans")
        return self

    def __exit__(self, *_: object) -> None:
        self("down", "--volumes", "--remove-orphans")

    def __call__(self, *words: str, timeout: float = 600) -> str:
        """What a command prints; it must succeed."""
        done = self.tried(*words, timeout=timeout)
        assert done.returncode == 0, f"{words}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def tried(self, *words: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        """A command, however it ends."""
        return subprocess.run(
            [*self._words, *words],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    @contextmanager
    def attached(self, said: IO[str]) -> Iterator[subprocess.Popen[str]]:
        """`up` in the foreground, as a person has it; what it says goes to a file."""
        with subprocess.Popen(
            [*self._words, "up"],
            cwd=ROOT,
            env=self._environment,
            stdout=said,
            stderr=said,
            text=True,
            start_new_session=True,
        ) as running:
            try:
                yield running
            finally:
                running.kill()

    def logpond(self, *words: str) -> str:
        """A one-off command of logpond."""
        return self("run", "--rm", "-T", "analytics", *words)

    def rows(self, statement: str, *words: str) -> list[dict[str, Any]]:
        """What a statement finds."""
        found: list[dict[str, Any]] = json.loads(
            self.logpond("sql", statement, *words, "--format", "json")
        )
        return found

    def count(self) -> int:
        """Rows in `logs` now."""
        return int(self.rows("SELECT COUNT(*) AS n FROM logs")[0]["n"])

    def states(self) -> dict[str, str]:
        """Each service's state, and its health where it has a check."""
        return {of["Service"]: of["Health"] or of["State"] for of in self._containers()}

    def codes(self) -> dict[str, int]:
        """The exit code of each service that ended."""
        ended = [of for of in self._containers() if of["State"] == "exited"]
        return {of["Service"]: of["ExitCode"] for of in ended}

    def _containers(self) -> list[dict[str, Any]]:
        return [json.loads(of) for of in self("ps", "--all", "--format", "json").splitlines()]


def until(what: Callable[[], bool], seconds: float = 300) -> None:
    """Wait for something to hold; it must in this time."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come to hold"
        time.sleep(1)


def drawn() -> set[str]:
    """The metrics that Grafana's board draws."""
    board = json.loads((ROOT / "conf" / "grafana" / "boards" / "logpond.json").read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return {name for expr in asked for name in re.findall(r"logpond_\w+", expr)}


def tour() -> list[str]:
    """The one-off commands that the guide shows."""
    text = (ROOT / "docs" / "docker.md").read_text().split("## The tour")[1].split("\n## ")[0]
    return re.findall(r"^docker compose run --rm analytics (.+)$", text, re.MULTILINE)
