"""What the README shows is run as it stands there."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import psutil
import pytest
from support.asked import answer
from support.lakes import Lake
from support.messages import send
from support.trouble import troubled

from anomaly.lake.incidents import incidents
from cli.stack.broker import Broker
from lakehouse.runtime import kafka

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
pytestmark = [pytest.mark.broker, pytest.mark.spark]


def shown(section: str) -> str:
    """The shell commands of a section, as one script."""
    text = README.split(f"## {section}\n")[1].split("\n## ")[0]
    return "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))


def until(said: IO[str], words: str) -> str:
    """The first line that holds `words`."""
    return next(line for line in said if words in line)


def run_in(folder: Path, script: str, lake: Lake) -> str:
    """What a script prints that is run in a folder, and succeeds."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-euc", script],
        cwd=folder,
        env={**os.environ, "LOGPOND_LAKE": lake.places.lake, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def press_ctrl_c(demo: subprocess.Popen[str]) -> None:
    """As in the terminal of the demo, but for `make`, whose exit code would tell of the key."""
    started = psutil.Process(demo.pid).children(recursive=True)
    next(one for one in started if "up" in one.cmdline()).send_signal(signal.SIGINT)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`make demo`, as a newcomer runs it but shorter, once it has committed; and its Kafka."""
    lake = tmp_path_factory.mktemp("demo") / "lake"
    words = ["make", "demo", "BACKFILL=2m", "RATE=200", f"LAKE={lake}"]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    kafka = until(process.stdout, "Kafka answers at").split("answers at ")[1].split()[0]
    while not list((lake / "logs").glob("date=*")):
        time.sleep(0.5)
    time.sleep(10)  # the tour looks back to before its own incident
    yield process, kafka
    process.kill()


def test_the_commands_of_an_incident_run(lake: Lake, tmp_path: Path) -> None:
    """Those under "When something is found", on a lake where something was."""
    troubled(lake)
    found = incidents(lake.places)
    (tmp_path / "other.toml").write_text((ROOT / "conf" / "anomaly.toml").read_text())
    script = shown("When something is found")
    run_in(tmp_path, re.sub(r"\bID\b", found[0].incident_id[:8], script), lake)
    assert (tmp_path / "incident.png").read_bytes().startswith(b"\x89PNG")


def test_a_log_of_ones_own_comes_in(lake: Lake, tmp_path: Path) -> None:
    """The commands under "Bring your own logs", on an access log as Apache writes it."""
    line = '203.0.113.9 - - [01/May/2026:10:00:0{} +0000] "GET /cart HTTP/1.1" 200 512 "-" "curl/8"'
    (tmp_path / "access.log").write_text("".join(f"{line}\n".format(n) for n in range(5)))

    assert "5" in run_in(tmp_path, shown("Bring your own logs"), lake)


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker with a topic that the sources of other tests would read."""
    with Broker(str(tmp_path / "broker")) as running:
        yield running


def test_a_topic_of_ones_own_comes_in(own_broker: Broker, lake: Lake, tmp_path: Path) -> None:
    """The commands for a topic, as they stand there; the stream takes what is there and ends."""
    line = '{{"ts": "2026-05-01T10:00:0{}Z", "lvl": "warn", "msg": "late", "took_ms": 5}}'
    kafka.create(own_broker.connection, "app-logs", partitions=1)
    send(own_broker.bootstrap, "app-logs", [line.format(n).encode() for n in range(5)])
    script = next(part for part in README.split("```") if "discover --topic" in part)
    script = script.replace("kafka:9092", own_broker.bootstrap).replace(
        "/data/lake", lake.places.lake
    )
    said = run_in(tmp_path, f"{script.strip()} --once", lake)

    columns = "service, level, message, response_time, _source"
    rows = answer(lake, f"SELECT {columns}, COUNT(*) AS n FROM logs GROUP BY ALL")
    assert "late" in said
    assert [[*row.values()] for row in rows] == [["app-logs", "WARN", "late", 5.0, "app-logs", 5]]


def test_the_tour_runs_beside_the_demo_which_ends_well(
    demo: tuple[subprocess.Popen[str], str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each command of the tour succeeds, and the demo then verifies its lake."""
    process, kafka = demo
    lake = next(tmp_path_factory.getbasetemp().glob("demo*/lake"))
    environment = {**os.environ, "LOGPOND_LAKE": str(lake), "LOGPOND_KAFKA_BOOTSTRAP": kafka}
    script = "set -euo pipefail\n" + shown("What you then see")
    tour = subprocess.run(
        ["bash", "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert tour.returncode == 0, tour.stdout + tour.stderr
    press_ctrl_c(process)
    assert process.stdout
    assert "ok:" in until(process.stdout, "verify  ")
    assert process.wait(60) == 0
