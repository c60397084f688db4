"""Serves the gateway: one process, until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress

from gateway import allocator
from gateway.access import Access
from gateway.app import MIB, create
from gateway.delivery import Delivery
from gateway.memory import Budget
from lakehouse.errors import BrokerError, SettingsError
from lakehouse.http.sockets import Config, Server, check_certificate
from lakehouse.paths import Places
from lakehouse.runtime import kafka
from lakehouse.runtime.kafka_client import FirmError
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.runtime.processes import local
from lakehouse.settings import Settings
from lakehouse.sources import Sources, sources_of


def serve(places: Places, settings: Settings, echo: Callable[[str], None]) -> None:
    """Serves until a signal. Prints the address; at a first start that others can reach, a token.

    Kafka need not answer yet. Raises FirmError where it refuses or lacks the topic, and
    SettingsError where no source reads it.
    """
    allocator.return_freed_memory()
    gateway, connection = settings.gateway, Connection.of(settings.kafka)
    certificate = check_certificate(gateway.tls_cert, gateway.tls_key)
    access, sources = Access.of(places, settings), sources_of(settings)
    check_topic(sources, gateway.topic)
    try:
        kafka.describe(connection, gateway.topic)
    except FirmError:
        raise
    except BrokerError as error:
        echo(f"logpond: {error.what}; until it does, senders are told to come again")
    delivery = Delivery(connection, Budget(gateway.memory_mb * MIB), gateway.deadline_seconds)
    app = create(delivery, access, sources, settings)
    config = Config(app, settings.http, lifespan="off", **certificate)
    listener = config.listener(gateway.host, gateway.port)
    scheme = "https" if gateway.tls_cert else "http"
    echo(f"logpond: {scheme}://{local(gateway.host)}:{gateway.port} -> topic {gateway.topic}")
    if secret := access.first_token():
        echo(f"logpond: the token to send with, shown once: {secret}")
    with suppress(KeyboardInterrupt), closing(delivery):
        Server(config, lambda: None).run([listener])


def check_topic(sources: Sources, topic: str) -> None:
    """Raises SettingsError where nobody would read a topic as the JSON that is sent to it."""
    name = sources.of(topic)
    if name is None or sources.by_name[name].format != "json":
        raise SettingsError(
            f"no source of {sources.file} reads JSON from the topic {topic}",
            f'add [gateway] with topics = ["{topic}"] and format = "json", or name another topic',
        )
