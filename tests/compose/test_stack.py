"""The stack in containers, run for real: from nothing, through kills, down and up again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.request import Request, urlopen

import pytest
from containers import PORTS, Stack, drawn, missing, tour, until

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]
OF_PROFILES = ("PROMETHEUS", "GRAFANA", "SPARK_MASTER")
# /proc/net/route: the route to everywhere
WAYS_OUT = "print(sum(line.split()[1] == '00000000' for line in open('/proc/net/route')))"


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
        "kafka": "healthy", "kafka-init": "exited", "producer": "running",
        "streaming": "healthy", "anomaly": "healthy", "web": "healthy", "kafka-ui": "healthy",
    }  # fmt: skip


def test_events_go_from_container_to_container(stack: Stack) -> None:
    """What the producer sends arrives in `logs`, and minutes of it are closed."""
    goes_on(stack)
    until(lambda: bool(stack.rows("SELECT 1 AS n FROM logs_windowed LIMIT 1")))
    assert stack.rows("SELECT COUNT(*) AS n FROM logs WHERE _topic = 'web-logs'")[0]["n"] > 0


@pytest.mark.parametrize("tool", ["kafka-topics.sh --list", "kafka-broker-api-versions.sh"])
def test_kafkas_own_tools_work_as_people_know_them(stack: Stack, tool: str) -> None:
    """From within its container, on the containers' listener."""
    name, *flags = tool.split()
    said = stack("exec", "-T", "kafka", f"/opt/kafka/bin/{name}", *flags,
                 "--bootstrap-server", "localhost:29092")  # fmt: skip
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


@pytest.mark.parametrize("command", tour())
def test_the_tour_runs_as_it_is_shown(stack: Stack, command: str) -> None:
    """Each one-off command of docs/docker.md, beside the running stack."""
    assert stack.logpond(*shlex.split(command))


def test_all_may_commit_at_once(stack: Stack) -> None:
    """Upkeep and optimize beside ingest and detection: `verify` finds nothing lost."""
    with ThreadPoolExecutor() as workers:
        for done in [workers.submit(stack.logpond, word) for word in ("upkeep", "optimize")]:
            done.result()
    assert "ok:" in stack.logpond("verify")


@pytest.mark.parametrize("service", ["streaming", "kafka", "anomaly"])
def test_a_kill_loses_nothing(stack: Stack, service: str) -> None:
    """SIGKILL and back: rows go on coming, and `verify` is clean."""
    stack("kill", "--signal", "KILL", service)
    stack("up", "--detach", "--wait", timeout=900)
    goes_on(stack)
    assert "ok:" in stack.logpond("verify")


def test_a_restart_of_kafka_is_waited_out(stack: Stack) -> None:
    """Nobody else is restarted; rows go on coming, and `verify` is clean."""
    stack("restart", "kafka")
    goes_on(stack)
    assert "ok:" in stack.logpond("verify")


def test_down_and_up_goes_on_even_without_a_way_out(stack: Stack) -> None:
    """Volumes keep all of it; a start downloads nothing: it has no route to anywhere."""
    before = stack.count()
    stack("down")
    apart = Stack("tests/compose/offline.yml")
    apart("up", "--detach", "--wait", timeout=900)
    assert apart("exec", "-T", "streaming", "python", "-c", WAYS_OUT).strip() == "0"
    until(lambda: apart.count() > before)
    assert "ok:" in apart.logpond("verify")
