"""On a Kafka as companies run it: TLS, users, and of each user only the rights that it needs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest
from pydantic import SecretStr
from support import streams
from support.lakes import Lake, events
from support.messages import send
from support.produced import end, start
from support.promise import broken
from support.records import message
from support.secured import PASSWORD, SecuredBroker, logpond, tokens
from support.serving import awaited

from analytics.look.sources import topics as sources
from analytics.look.status import status
from gateway.delivery import Delivery, Receipt
from gateway.memory import Budget
from lakehouse.errors import BrokerError
from lakehouse.paths import Places
from lakehouse.runtime import kafka, kafka_browser, kafka_newest
from lakehouse.runtime.kafka_client import AccessError
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.settings import Settings, load
from lakehouse.sources import Source, Sources
from streaming import subscriptions

pytestmark = [pytest.mark.broker, pytest.mark.spark]
# Without a backslash, a quote or a blank: what is left of it however it was escaped.
SPARK_PAGES = ("jobs/", "SQL/", "environment/", "StreamingQuery/", "api/v1/applications")
SECRETS = (PASSWORD, "quoted", "BEGIN PRIVATE KEY")


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    """A broker with the users `sender`, `reader`, and `nobody`, who has no right at all."""
    with SecuredBroker(str(tmp_path_factory.mktemp("secured"))) as running:
        for user in ("sender", "reader", "nobody", "gateway"):
            running.add_user(user)
        yield running


@pytest.fixture
def topic(secured: SecuredBroker) -> str:
    """A new topic, which `sender` and `reader` may use."""
    return secured.topic(f"test-{uuid.uuid4().hex[:12]}").name


def produce(lake: Path, topic: str, monkeypatch: pytest.MonkeyPatch, **variables: str) -> int:
    """Sends for a second as the variables say; how many records were acked."""
    with monkeypatch.context() as patched:
        for name, value in variables.items():
            patched.setenv(name, value)
        where = variables["LOGPOND_KAFKA_BOOTSTRAP"]
        ended = end(start(where, topic, lake, "--rate", "500", "--duration", "1"))
    assert ended.code == 0, ended.told
    return int(ended.last["acked"])


def streamed(
    secured: SecuredBroker, topic: str, folder: Path, patch: pytest.MonkeyPatch, user: str
) -> Settings:
    """The settings of a stream that signs in as this user; ten records wait for it."""
    for name, value in secured.variables(user).items():
        patch.setenv(name, value)
    send(secured.bootstrap, topic, [message()] * 10)
    return streams.settings(f"127.0.0.1:{secured.sasl}", topic, folder / "lake")


def files_with_a_secret(folder: Path) -> list[str]:
    """The files in which a secret can be read."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    found = [f for f in files if any(s.encode() in f.read_bytes() for s in SECRETS)]
    return [str(file.relative_to(folder)) for file in found]


def test_records_go_from_a_sender_to_the_lake_and_no_secret_with_them(
    secured: SecuredBroker, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sent, read, verified and looked at, each by a user who may just that.

    The password is in no file of the lake: no log of Spark, plan, manifest or event log.
    """
    lake = tmp_path / "lake"
    sent = produce(lake, topic, monkeypatch, **secured.variables("sender"))
    reader = secured.variables("reader", LOGPOND_KAFKA_TOPIC=topic, LOGPOND_LAKE=str(lake))
    reader |= {"LOGPOND_SPARK_UI_PORT": "0", "LOGPOND_SPARK_EVENT_LOG_MB": "16"}
    reader |= {f"LOGPOND_KAFKA_{of}": '{"client.id": "lake"}' for of in ("JAVA", "LIBRDKAFKA")}
    read = logpond("stream", "--once", **reader)
    assert read.returncode == 0, read.stderr
    said = [read, logpond("verify", **reader), logpond("doctor", **reader)]
    said.append(logpond("tail", "--from", "kafka", "--lines", "5", "--no-follow", **reader))
    said.append(logpond("discover", "--topic", topic, **reader))

    assert sent >= 400
    assert [one.returncode for one in said] == [0] * len(said), [one.stderr for one in said]
    assert broken(secured.bootstrap, Places.of(load(lake=str(lake))), topic) == []
    assert len(said[3].stdout.splitlines()) == 5
    assert files_with_a_secret(lake) == []
    assert [one.args for one in said if PASSWORD in one.stdout + one.stderr] == []


@pytest.mark.parametrize("command", ["stream", "tail", "discover", "produce", "gateway", "doctor"])
def test_a_wrong_password_is_one_sentence_soon(
    command: str, secured: SecuredBroker, topic: str, tmp_path: Path
) -> None:
    """From every program, with what to check; none tries for ever."""
    words = {
        "stream": ["stream", "--once"],
        "tail": ["tail", "--from", "kafka"],
        "discover": ["discover", "--topic", topic],
        "produce": ["produce", "--duration", "1"],
    }.get(command, [command])
    variables = secured.variables("reader", LOGPOND_LAKE=str(tmp_path), LOGPOND_KAFKA_TOPIC=topic)
    said = logpond(*words, **{**variables, "LOGPOND_KAFKA_PASSWORD": "not the password"})
    text = said.stdout + said.stderr
    assert "refuses the user reader" in text
    assert "LOGPOND_KAFKA_PASSWORD" in text
    assert "Traceback" not in text
    assert "not the password" not in text
    assert said.returncode == (1 if command == "doctor" else 5), text


# How a program connects, and what it is told.
REFUSALS: dict[str, tuple[Callable[[SecuredBroker], Connection], str]] = {
    "a wrong mechanism": (
        lambda of: replace(of.signed_in("reader"), mechanism="SCRAM-SHA-256"),
        "refuses the user reader: .*invalid credentials",
    ),
    "an authority that nobody knows": (
        lambda of: replace(of.signed_in("reader"), ca=""),
        "certificate of Kafka at .* is not trusted: unable to get local issuer certificate",
    ),
    "another host": (
        lambda of: replace(of.signed_in("reader"), bootstrap=f"localhost:{of.sasl}"),
        "is not trusted: Hostname mismatch",
    ),
    "a certificate of the broker that is over": (
        lambda of: Connection(
            f"127.0.0.1:{of.expired}", "SSL", ca=str(of.authority.folder / "ca.pem")
        ),
        "is not trusted: certificate has expired",
    ),
    "no certificate of ours": (
        lambda of: replace(of.by_certificate("client"), certificate="", key=""),
        "refuses the TLS connection: .*alert bad certificate",
    ),
    "a certificate of ours that is over": (
        lambda of: of.by_certificate("expired"),
        "refuses the TLS connection: .*alert certificate",
    ),
    "a missing right": (
        lambda of: of.signed_in("nobody"),
        "does not let nobody use the topic .*: TOPIC_AUTHORIZATION_FAILED",
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_says_which(refusal: str, secured: SecuredBroker, topic: str) -> None:
    """The user, the certificate or the right, by the same words whoever asks."""
    connection, said = REFUSALS[refusal]
    with pytest.raises(BrokerError, match=said):
        kafka.describe(connection(secured), topic)


def test_a_certificate_is_enough_where_kafka_asks_for_one(secured: SecuredBroker) -> None:
    """No user, no password."""
    assert kafka.names(secured.by_certificate("client")) == []


@pytest.mark.nightly
def test_whoever_looks_needs_only_to_read(secured: SecuredBroker, topic: str) -> None:
    """The page of Kafka, `discover` and the lag: none of them joins a group."""
    send(secured.bootstrap, topic, [b"first", b"second"], partition=1)
    reader = secured.signed_in("reader")
    found = next(each for each in kafka_browser.topics(reader) if each.name == topic)
    newest = kafka_browser.newest(reader, topic, found.partitions[1], None)
    assert [record.value for record in newest] == ["second", "first"]
    assert sorted(kafka_newest.newest(reader, topic)) == [b"first", b"second"]
    assert kafka.waiting_since(reader, {topic: {1: 0}}) == newest[-1].time
    assert kafka.clocks(reader, [topic]).of_producers == []


@pytest.mark.parametrize(
    ("connect", "said"),
    [
        (lambda of: replace(of.signed_in("reader"), password=SecretStr("no")), "refuses the user"),
        (lambda of: of.by_certificate("expired"), "refuses the TLS connection"),
        (lambda of: of.signed_in("nobody"), "does not let nobody use the topic"),
    ],
)
def test_whoever_shows_how_it_is_says_why_kafka_refuses(
    connect: Callable[[SecuredBroker], Connection],
    said: str,
    secured: SecuredBroker,
    topic: str,
    lake: Lake,
) -> None:
    """`status`, `sources` and the gateway: not that nobody answers, or that the topic is none."""
    connection, lake.topic = connect(secured), kafka.describe(secured.connection, topic)
    lake.admit({0: 0, 1: 0})
    lake.put(events([0]))
    found = status(lake.places, connection)
    (row,) = sources(
        lake.places, connection, Sources({"one": Source(topics=(topic,))}, topic, "sources.toml")
    )
    delivery = Delivery(connection, Budget(1 << 20), 3.0)
    faults = [delivery.fault(topic) for _ in range(4)]
    delivery.close()
    assert (found.is_kafka_up, found.is_well, row.state) == (True, False, "refused")
    assert [said in text for text in (found.kafka_refuses, row.why, faults[-1])] == [True] * 3


def test_a_topic_that_may_not_be_seen_is_not_said_to_be_none(
    secured: SecuredBroker, topic: str
) -> None:
    """Kafka leaves it out of its list: a start asks again, and is refused by the right's name."""
    both = {"one": Source(topics=(topic,)), "two": Source(topics=("of-others",))}
    kafka.create(secured.connection, "of-others", 1)
    found = subscriptions.find(Sources(both, topic, "sources.toml"), secured.signed_in("reader"))
    assert any("of-others of the source two is not read: Kafka" in note for note in found.notes)
    with pytest.raises(AccessError, match="does not let nobody use"):
        subscriptions.find(Sources(both, topic, "sources.toml"), secured.signed_in("nobody"))


def test_whose_clock_a_topic_keeps_is_a_note_only(secured: SecuredBroker, topic: str) -> None:
    """Without the right to see it, the note says what is assumed, and which right shows it."""
    own = Sources({"one": Source(topics=(topic,))}, topic, "sources.toml")
    (note,) = subscriptions.find(own, secured.signed_in("reader")).notes
    assert "cannot be seen (TOPIC_AUTHORIZATION_FAILED: the right DescribeConfigs" in note
    secured.allow("reader", topic, "DESCRIBE_CONFIGS")
    assert subscriptions.find(own, secured.signed_in("reader")).notes == []


def test_plain_where_kafka_wants_tls_names_the_protocol(secured: SecuredBroker) -> None:
    """Nobody answers then, and nobody says why."""
    with pytest.raises(BrokerError, match=r"kafka\.protocol = PLAINTEXT"):
        kafka.expect(Connection(f"127.0.0.1:{secured.sasl}"))


def test_who_may_send_to_no_topic_is_told_so(
    secured: SecuredBroker, topic: str, tmp_path: Path
) -> None:
    """Before a record is made."""
    words = ["produce", "--topic", topic, "--rate", "50", "--duration", "2"]
    said = logpond(*words, **secured.variables("reader", LOGPOND_LAKE=str(tmp_path / "lake")))
    assert f"does not let reader use the cluster to send to {topic}" in said.stderr
    assert "Traceback" not in said.stderr
    assert said.returncode == 5


def test_who_may_send_elsewhere_only_is_told_so_and_keeps_what_is_unsent(
    secured: SecuredBroker, topic: str, tmp_path: Path
) -> None:
    """The next start, with the right, sends it."""
    secured.allow("sender", kafka.create(secured.connection, "read-only", 1).name, "DESCRIBE")
    words = ["produce", "--topic", "read-only", "--rate", "50", "--duration", "2"]
    said = logpond(*words, **secured.variables("sender", LOGPOND_LAKE=str(tmp_path / "lake")))
    assert "does not let sender use the topic read-only: TOPIC_AUTHORIZATION_FAILED" in said.stderr
    assert said.returncode == 5
    assert len([*(tmp_path / "lake").rglob("unsent-*")]) == 1


def test_who_may_not_read_is_told_so(secured: SecuredBroker, topic: str, tmp_path: Path) -> None:
    """By the stream, of which an executor is refused first."""
    send(secured.bootstrap, topic, [b"{}"] * 10)
    secured.allow("nobody", topic, "DESCRIBE")
    variables = secured.variables("nobody", LOGPOND_KAFKA_TOPIC=topic)
    said = logpond("stream", "--once", "--lake", str(tmp_path / "lake"), **variables)
    assert f"does not let nobody use the topic {topic}" in said.stderr
    assert "--operation Read" in said.stderr
    assert said.returncode == 5


@pytest.mark.nightly
def test_a_stream_that_loses_its_right_ends_in_words(
    secured: SecuredBroker, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for ever, as it does for a broker that is away; nothing is lost."""
    secured.add_user("leaving")
    secured.allow("leaving", topic, "READ")
    asked = streamed(secured, topic, tmp_path, monkeypatch, "leaving")
    with streams.running(asked) as stream:
        streams.until(stream, " batch ")
        secured.forbid("leaving")
        send(secured.bootstrap, topic, [message()] * 10)
        said, _ = stream.communicate(timeout=90)
    assert f"does not let leaving use the topic {topic}" in said
    assert "Traceback" not in said
    assert stream.returncode == 5

    monkeypatch.setenv("LOGPOND_KAFKA_USER", "reader")
    again = logpond("stream", "--once", "--lake", asked.lake, "--topic", topic)
    assert again.returncode == 0, again.stderr
    assert broken(secured.bootstrap, Places.of(asked), topic) == []


@pytest.mark.nightly
def test_tokens_are_as_good_as_a_password(
    secured: SecuredBroker, topic: str, tmp_path: Path
) -> None:
    """Both clients get their own from the server of tokens; a wrong secret is said."""
    send(secured.bootstrap, topic, [message()] * 10)
    with tokens(secured.authority) as url:
        variables = secured.variables("reader", LOGPOND_KAFKA_TOPIC=topic)
        variables |= {"LOGPOND_KAFKA_MECHANISM": "OAUTHBEARER", "LOGPOND_KAFKA_TOKEN_URL": url}
        variables |= {"LOGPOND_LAKE": str(tmp_path / "lake"), "LOGPOND_SPARK_UI_PORT": "0"}
        read = logpond("stream", "--once", **variables)
        wrong = logpond("stream", **{**variables, "LOGPOND_KAFKA_PASSWORD": "not it"})
    assert read.returncode == 0, read.stderr
    assert broken(secured.bootstrap, Places.of(load(lake=str(tmp_path / "lake"))), topic) == []
    assert "refuses the user reader" in wrong.stderr
    assert wrong.returncode == 5, wrong.stderr


@pytest.mark.nightly
@pytest.mark.slow
def test_the_whole_stack_runs_on_it(secured: SecuredBroker, topic: str, tmp_path: Path) -> None:
    """Producer, stream and detection, by one user; no broker is started, and all is proven."""
    secured.add_user("all")
    secured.allow("all", topic, "READ", "WRITE")
    lake = tmp_path / "lake"
    variables = secured.variables("all", LOGPOND_KAFKA_TOPIC=topic, LOGPOND_LAKE=str(lake))
    variables |= {"LOGPOND_SPARK_UI_PORT": "0", "LOGPOND_ANOMALY_UI_PORT": "0"}
    words = ["up", "--rate", "100", "--duration", "10s", "--no-web", "--no-gateway"]
    said = logpond(*words, **variables)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "verify    ok: 1,0" in said.stdout
    assert not (lake / "_broker").exists()
    assert files_with_a_secret(lake) == []


@pytest.mark.nightly
def test_a_stream_outlives_its_broker(
    secured: SecuredBroker, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that starts refuses nobody: who signs in meanwhile is no stranger."""
    asked = streamed(secured, topic, tmp_path, monkeypatch, "reader")
    with streams.running(asked) as stream:
        streams.until(stream, " batch ")
        secured.kill()
        streams.until(stream, "waiting")
        secured.start()
        send(secured.bootstrap, topic, [message()] * 10)
        streams.until(stream, " batch 1 ")
        code, said = streams.stop(stream)
    assert code == 0, said
    assert broken(secured.bootstrap, Places.of(asked), topic) == []


def test_who_looks_at_a_stream_at_work_sees_no_secret(
    secured: SecuredBroker, topic: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lists of processes, Spark's pages and its API, which says all of its properties."""
    asked = streamed(secured, topic, tmp_path, monkeypatch, "reader")
    with streams.running(asked) as stream:
        ui = streams.until(stream, "Spark UI: ")[-1].split()[-1]
        streams.until(stream, " batch ")
        running = psutil.process_iter(["cmdline"])
        lines = "\n".join(" ".join(one.info["cmdline"] or ()) for one in running)
        pages = [httpx.get(f"{ui}/{page}", follow_redirects=True) for page in SPARK_PAGES]
        application = pages[-1].json()[0]["id"]
        pages.append(httpx.get(f"{ui}/api/v1/applications/{application}/environment"))
        streams.stop(stream)

    assert [page.status_code for page in pages] == [200] * len(pages)
    assert "spark.app.name" in pages[-1].text
    assert asked.lake in lines
    shown = [lines, *(page.text for page in pages)]
    parts = (PASSWORD, " and long", "BEGIN PRIVATE KEY")
    assert [part for text in shown for part in parts if part in text] == []


def test_a_gateway_without_the_right_sends_once_it_has_it(
    secured: SecuredBroker, topic: str, tmp_path: Path
) -> None:
    """Until then a sender is told to come again; the right of the sender needs no restart."""
    secured.allow("gateway", topic, "DESCRIBE")
    connection = secured.signed_in("gateway")
    delivery = Delivery(connection, Budget(1 << 20), 3.0)
    try:
        refused = awaited(delivery.send([b"{}"], topic))
        secured.allow("gateway", topic, "WRITE")
        until = time.monotonic() + 30
        while awaited(delivery.send([b"{}"], topic)).failed and time.monotonic() < until:
            time.sleep(0.5)
        taken = awaited(delivery.send([b"{}"], topic))
    finally:
        delivery.close()
    assert [*refused.failed] == [0]
    assert taken == Receipt()
