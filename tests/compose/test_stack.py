"""The stack in containers, run for real: from nothing, through kills, down and up again."""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.request import Request, urlopen

import pytest
from support.containers import PORTS, Stack, drawn, missing, tour, until

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]
OF_PROFILES = ("PROMETHEUS", "GRAFANA", "SPARK_MASTER")
# /proc/net/route: the route to everywhere
LINE = '203.0.113.9 - - [21/Nov/2026:10:00:00 +0000] "GET /cart HTTP/1.1" 200 12 "-" "curl/8"\n'
OURS = ("producer", "streaming", "anomaly", "web", "gateway")
ENDED_WELL = {"producer": 0, "streaming": 0, "anomaly": 0}
WAYS_OUT = "print(sum(line.split()[1] == '00000000' for line in open('/proc/net/route')))"


class Foreground(NamedTuple):
    """A stack in the foreground: its `up`, what that said, and the rows there were before."""

    stack: Stack
    up: subprocess.Popen[str]
    said: Path
    before: int


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """The stack of a newcomer, from nothing: built, started, well."""
    if why := missing():
        pytest.skip(why)
    with Stack() as running:
        running("build", "streaming", timeout=800)
        running("up", "--detach", "--wait", timeout=900)
        yield running


def goes_on(stack: Stack) -> None:
    """More rows come than there are."""
    before = stack.count()
    until(lambda: stack.count() > before)


def test_up_ends_well_and_all_of_it_runs(stack: Stack) -> None:
    """`up --wait` came back with 0; what has a check passes it, what runs once did."""
    assert stack.states() == {
        "secrets": "exited",
        "kafka": "healthy",
        "kafka-init": "exited",
        "producer": "running",
        "streaming": "healthy",
        "anomaly": "healthy",
        "gateway": "healthy",
        "web": "healthy",
        "kafka-ui": "healthy",
    }


def test_events_go_from_container_to_container(stack: Stack) -> None:
    """What the producer sends arrives in `logs`, and minutes of it are closed."""
    goes_on(stack)
    until(lambda: bool(stack.rows("SELECT 1 AS n FROM logs_windowed LIMIT 1")))
    assert stack.rows("SELECT COUNT(*) AS n FROM logs WHERE _topic = 'web-logs'")[0]["n"] > 0


@pytest.mark.parametrize("tool", ["kafka-topics.sh --list", "kafka-broker-api-versions.sh"])
def test_kafkas_own_tools_work_as_people_know_them(stack: Stack, tool: str) -> None:
    """From within its container, on the containers' listener."""
    name, *flags = tool.split()
    said = stack(
        "exec",
        "-T",
        "kafka",
        f"/opt/kafka/bin/{name}",
        *flags,
        "--bootstrap-server",
        "localhost:29092",
    )
    assert ("web-logs" if flags else "kafka:29092") in said


@pytest.mark.parametrize(
    "port", ["WEB_PORT", "KAFKA_UI_PORT", "STREAMING_UI_PORT", "ANOMALY_UI_PORT"]
)
def test_pages_answer_on_this_machine(stack: Stack, port: str) -> None:
    """The page, Kafka UI and both of Spark's, each on its port of the host."""
    asked = Request(f"http://127.0.0.1:{PORTS[port]}/", headers={"Accept": "text/html"})
    with urlopen(asked, timeout=60) as answer:
        assert answer.status == 200


def test_the_first_line_of_the_page_says_where_all_is(stack: Stack) -> None:
    """With the ports that were chosen."""
    said = stack("logs", "--no-log-prefix", "web").splitlines()[0]
    assert all(PORTS[name] in said for name in PORTS if not name.startswith(OF_PROFILES))


def test_metrics_have_what_the_board_draws(stack: Stack) -> None:
    """Prometheus, with the token, finds each series that a panel of Grafana's board asks for."""
    url = f"http://127.0.0.1:{PORTS['WEB_PORT']}/metrics"
    asked = Request(url, headers={"Authorization": f"Bearer {stack.token}"})
    found = urlopen(asked, timeout=60).read().decode()
    assert {name for name in drawn() if f"\n{name}{{" not in found} == set()


def test_passwords_are_shown_to_who_asks(stack: Stack) -> None:
    """The token that was chosen, and what was made for the gateway, Kafka UI and Grafana."""
    shown = stack("run", "--rm", "-T", "secrets", "show").splitlines()
    page, gateway, kafka_ui, grafana = shown
    assert page.endswith(f"/?token={stack.token}")
    assert len(gateway.split()[-1]) >= 32
    assert PORTS["KAFKA_UI_PORT"] in kafka_ui
    assert len(kafka_ui.split()[-1]) >= 32
    assert kafka_ui.split()[-1] != grafana.split()[-1]


def test_each_sees_what_it_needs(stack: Stack) -> None:
    """The page cannot write tables, the producer sees none, and no secret but its own."""
    written = stack.tried("exec", "-T", "web", "touch", "/data/lake/logs/by-hand")
    assert "Read-only file system" in written.stderr
    assert "logs" not in stack("exec", "-T", "producer", "ls", "/data/lake").split()
    secrets = {name: stack("exec", "-T", name, "find", "/secrets", "-type", "f") for name in OURS}
    assert {name: found.split() for name, found in secrets.items()} == {
        "producer": [],
        "streaming": [],
        "anomaly": [],
        "web": ["/secrets/web/token"],
        "gateway": ["/secrets/gateway/token"],
    }


@pytest.mark.parametrize("command", tour())
def test_the_tour_runs_as_it_is_shown(stack: Stack, command: str) -> None:
    """Each one-off command of docs/docker.md, beside the running stack."""
    assert stack.logpond(*shlex.split(command))


def test_files_of_the_host_come_in_and_what_is_made_stays(stack: Stack, tmp_path: Path) -> None:
    """A job reads /files, and what one leaves at /work the next one finds."""
    (tmp_path / "access.log").write_text(LINE)
    tmp_path.chmod(0o755)
    beside = Stack(LOGPOND_FILES=str(tmp_path))
    assert "1 rows" in beside.logpond("discover", "/files/access.log")
    beside.logpond("files", "metrics", "--days", "1", "--logs-per-day", "9", "--output-dir", "made")
    assert "9 lines" in beside.logpond("aggregate", "--input", "made")


def test_all_may_commit_at_once(stack: Stack) -> None:
    """Upkeep and optimize beside ingest and detection: `verify` finds nothing lost."""
    with ThreadPoolExecutor() as workers:
        for done in [workers.submit(stack.logpond, word) for word in ("upkeep", "optimize")]:
            done.result()
    assert "ok:" in stack.logpond("verify")


@pytest.mark.parametrize("services", [["streaming", "anomaly"], ["kafka"]], ids=" ".join)
def test_a_kill_loses_nothing(stack: Stack, services: list[str]) -> None:
    """SIGKILL and back: rows go on coming, and `verify` is clean."""
    stack("kill", "--signal", "KILL", *services)
    stack("up", "--detach", "--wait", timeout=900)
    goes_on(stack)
    assert "ok:" in stack.logpond("verify")


def test_a_restart_of_kafka_is_waited_out(stack: Stack) -> None:
    """Nobody else is restarted; rows go on coming, and `verify` is clean."""
    stack("restart", "kafka")
    goes_on(stack)
    assert "ok:" in stack.logpond("verify")


@pytest.fixture(scope="module")
def again(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Foreground]:
    """`down`, and `up` in the foreground on a network that nothing leaves."""
    before = stack.count()
    stack("down")
    apart, file = Stack("tests/compose/offline.yml"), tmp_path_factory.mktemp("up") / "said"
    with file.open("w") as said, apart.attached(said) as running:
        until(lambda: "all of it runs" in file.read_text(), 900)
        yield Foreground(apart, running, file, before)


def test_down_and_up_goes_on_even_without_a_way_out(again: Foreground) -> None:
    """Volumes keep all of it; a start downloads nothing: it has no route to anywhere."""
    said = again.stack("exec", "-T", "streaming", "python", "-c", WAYS_OUT)
    assert said.strip() == "0"
    until(lambda: again.stack.count() > again.before)
    assert "ok:" in again.stack.logpond("verify")


def test_up_tells_where_all_is_and_ctrl_c_ends_it_well(again: Foreground) -> None:
    """The last to start says where to look; what we made ends by itself, with 0.

    The signal goes to the command alone, not to its group: there compose has it twice, once by
    itself and once from the command, and takes one time in six the second for "kill".
    """
    told = next(li for li in again.said.read_text().splitlines() if "all of it runs" in li)
    again.up.send_signal(signal.SIGINT)
    again.up.wait(300)
    assert all(PORTS[name] in told for name in PORTS if not name.startswith(OF_PROFILES))
    codes = again.stack.codes()
    assert {name: codes.get(name) for name in ENDED_WELL} == ENDED_WELL
