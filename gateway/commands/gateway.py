"""The command `gateway`, which takes records over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lakehouse.terminal.options import setting, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from lakehouse.settings import Settings


@click.command()
@setting("--host", "gateway_host", metavar="ADDRESS", help="Address to listen at.  [127.0.0.1]")
@setting("--port", "gateway_port", type=click.IntRange(1, 65535), help="Port.  [4318]")
@setting("--bootstrap", "kafka_bootstrap", metavar="HOST:PORT", help="Where Kafka is.")
@setting("--topic", "gateway_topic", help="The topic of records.  [gateway-logs]")
@setting("--sources", "sources", metavar="FILE", help="Topics of sources.  [conf/sources.toml]")
@setting("--tls-cert", "gateway_tls_cert", metavar="FILE", help="Certificate, PEM: serve by TLS.")
@setting("--tls-key", "gateway_tls_key", metavar="FILE", help="Its key, PEM.")
@with_settings
def gateway(settings: Settings) -> None:
    """Take records that collectors and applications send by HTTP, into Kafka.

    OTLP (POST /v1/logs), lines of any format (POST /ingest/SOURCE?format=NAME), and bulk requests
    as Elasticsearch takes them (POST /_bulk). A record is acknowledged once Kafka has it. On this
    machine you need no token, other users do, and at any other address everybody does:
    `logpond token create NAME --scope ingest`. docs/gateway.md has what to write into collectors.

    \b
      logpond gateway
      logpond gateway --host 0.0.0.0 --bootstrap kafka:9092
      curl --data-binary @app.ndjson http://127.0.0.1:4318/ingest/app
    """
    from gateway.serve import serve
    from lakehouse.paths import Places

    serve(Places.of(settings), settings, echo)
