"""A client that asks Kafka without a JVM, and what Kafka refuses, as errors for a person."""

from __future__ import annotations

import re
import socket
import ssl
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from lakehouse.errors import BrokerError
from lakehouse.runtime.kafka_connection import Connection

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

PATIENCE_SECONDS = 10.0
# How often it is looked whether Kafka has refused meanwhile.
LOOK_SECONDS = 0.5
# librdkafka prints a line a retry while a broker is down; the error raised says it once
QUIET: dict[str, Any] = {"log_level": 0, "error_cb": lambda _error: None}
# librdkafka says which connection, and how long it took, around the reason itself.
AROUND = re.compile(
    r"^\S+://\S+: |^(SSL handshake|Receive) failed: | \(after \d+ms in state \w+\)$"
)
HANDSHAKE_SECONDS = 2.0
RIGHTS = {
    "TOPIC_AUTHORIZATION_FAILED": "topic",
    "CLUSTER_AUTHORIZATION_FAILED": "cluster",
    "TRANSACTIONAL_ID_AUTHORIZATION_FAILED": "transactional id",
}
# What is needed of a topic: by who reads it, as by `stream`, and by who sends to it.
TO_READ, TO_SEND = "--operation Read", "--operation Write"


class FirmError(BrokerError):
    """Kafka's answer is no, and waiting does not change it."""


class UnknownTopicError(FirmError):
    """The broker does not have the topic."""


class AccessError(FirmError):
    """The broker does not take the user, the certificate, or what the user asks for.

    `code` is what Kafka calls a missing right; a task's failure is known by this class's name.
    """

    def __init__(self, what: str, remedy: str = "", code: str = "") -> None:
        super().__init__(what, remedy)
        self.code = code


class LeaderError(BrokerError):
    """A partition has no leader at the moment: it is new, or its broker is being replaced."""


class Faults:
    """What a client hears of its connections, as its `error_cb`."""

    def __init__(self) -> None:
        self._heard: KafkaError | None = None

    def __call__(self, error: KafkaError) -> None:
        """Keeps an error that says why a connection is refused."""
        if is_refusal(error):
            self._heard = error

    def forget(self) -> None:
        """Starts anew: what was heard before is no answer to the next question."""
        self._heard = None

    def check(self, connection: Connection) -> None:
        """Raises AccessError where a connection was refused since."""
        if self._heard is not None:
            raise refused(self._heard, connection)


class Client:
    """Asks Kafka. It must be held until the answer: its end is the end of the question."""

    def __init__(self, connection: Connection) -> None:
        from confluent_kafka.admin import AdminClient

        self._connection, self._faults = connection, Faults()
        settings: dict[str, Any] = {**connection.client(), **QUIET, "error_cb": self._faults}
        self.admin = AdminClient(settings)

    def metadata(self, patience: float = PATIENCE_SECONDS) -> Any:
        """Returns the brokers and the topics that are there.

        Raises AccessError as soon as Kafka refuses, BrokerError where none answers in `patience`
        seconds.
        """
        from confluent_kafka import KafkaException

        self._faults.forget()
        until = time.monotonic() + patience
        while (left := until - time.monotonic()) > 0:
            try:
                return self.admin.list_topics(timeout=min(left, LOOK_SECONDS))
            except KafkaException:
                self._look()
        raise away(self._connection)

    def answer(self, future: Future[Any], topic: str) -> Any:
        """Returns the answer about a topic; raises BrokerError where there is none, and why."""
        from confluent_kafka import KafkaException

        self._faults.forget()
        until = time.monotonic() + PATIENCE_SECONDS + 1
        while True:
            try:
                return future.result(LOOK_SECONDS)
            except TimeoutError:
                self._look()
                if time.monotonic() > until:
                    raise away(self._connection) from None
            except KafkaException as error:
                self._look()
                raise explained(error.args[0], self._connection, topic) from None

    def _look(self) -> None:
        self.admin.poll(0)
        self._faults.check(self._connection)


def is_of_group(message: Any) -> bool:
    """Whether a consumer was told that it may not join a group; none of ours joins one."""
    error = message.error()
    return error is not None and error.name() == "GROUP_AUTHORIZATION_FAILED"


def is_refusal(error: KafkaError) -> bool:
    """Whether a broker is there, and this client is not let in."""
    from confluent_kafka import KafkaError

    text = error.str()
    return error.code() == KafkaError._AUTHENTICATION or "certificate" in text or " alert " in text


def explained(error: KafkaError, connection: Connection, topic: str) -> BrokerError:
    """Returns the error to raise for one of the client, with what to do."""
    from confluent_kafka import KafkaError

    code = error.code()
    if is_refusal(error):
        return refused(error, connection)
    if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
        return unknown(connection, topic)
    if error.name() in RIGHTS:
        return denied(error.name(), connection, topic)
    if code in (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE):
        return LeaderError(
            f"a partition of {topic} at {connection} has no leader at the moment: {error.str()}",
            "wait until its broker is there again, or another one has its place",
        )
    if code in (KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN):
        return away(connection)
    return BrokerError(f"Kafka at {connection} refused: {error.str()}")


def refused(error: KafkaError, connection: Connection) -> AccessError:
    """Returns the error for a connection that is not let in: by its password, or by TLS."""
    from confluent_kafka import KafkaError

    reason = error.str()
    while (shorter := AROUND.sub("", reason)) != reason:
        reason = shorter
    if error.code() == KafkaError._AUTHENTICATION:
        return AccessError(
            f"Kafka at {connection} refuses the user {connection.user}: {reason}",
            "check kafka.user, kafka.mechanism and the password: LOGPOND_KAFKA_PASSWORD, or the "
            "file that kafka.password_file names",
        )
    if why := _unverified(connection):
        return AccessError(
            f"the certificate of Kafka at {connection} is not trusted: {why}",
            "kafka.ca_file names the authority (PEM) that signed it; an expired certificate, or "
            "one of another host, is renewed at the broker",
        )
    return AccessError(
        f"Kafka at {connection} refuses the TLS connection: {reason}",
        "kafka.certificate_file and kafka.key_file must be what the broker trusts, and not expired",
    )


def denied(name: str, connection: Connection, topic: str, needed: str = TO_READ) -> AccessError:
    """Returns the error for a right that the user does not have; `needed` is of `kafka-acls`."""
    what = RIGHTS[name]
    # who may write to no topic at all may not even ask for the number of an idempotent producer
    on = f"the {what} {topic}" if what == "topic" else f"the {what} to send to {topic}"
    who = connection.user or "this program's certificate" if connection.is_known else "nobody"
    return AccessError(
        f"Kafka at {connection} does not let {who} use {on}: {name}",
        f"give the right: `kafka-acls --add --allow-principal User:{connection.user or 'NAME'} "
        f"{needed} --topic {topic}`",
        name,
    )


def unknown(connection: Connection, topic: str) -> UnknownTopicError:
    """Returns what to say of a topic that a broker does not have."""
    return UnknownTopicError(
        f"the topic {topic} does not exist at {connection}",
        "create it with message.timestamp.type=LogAppendTime, or name another with --topic",
    )


def valid_offset(offset: int, connection: Connection) -> int:
    """The offset of an answer; BrokerError where it is none.

    A broker that goes away meanwhile may leave -1001 in its place, and no error.
    """
    if offset < 0:
        raise away(connection)
    return offset


def away(connection: Connection) -> BrokerError:
    """Returns the error to raise where no broker answers."""
    return BrokerError(
        f"Kafka does not answer at {connection}",
        "start it (`logpond up` brings its own), or name another with --bootstrap; it must be "
        f"reached by kafka.protocol = {connection.protocol}",
    )


def _unverified(connection: Connection) -> str:
    """Returns why the certificate of a broker is not trusted; empty where one is."""
    context = ssl.create_default_context(cafile=connection.ca or None)
    for place in connection.bootstrap.split(","):
        host, _, port = place.rpartition("://")[2].rpartition(":")
        host = host.strip("[]")
        try:
            with socket.create_connection((host, int(port)), HANDSHAKE_SECONDS) as plain:
                context.wrap_socket(plain, server_hostname=host).close()
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
        except OSError:
            continue
    return ""
