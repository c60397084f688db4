"""The command `postgres`, which serves the tables to tools that speak PostgreSQL's protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lakehouse.paths import Places
from lakehouse.terminal.options import setting, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from lakehouse.settings import Settings


@click.command()
@setting("--host", "postgres_host", metavar="ADDRESS", help="Address to listen at.  [127.0.0.1]")
@setting(
    "--port",
    "postgres_port",
    type=click.IntRange(1, 65535),
    help="Port; any free one if taken.  [5433]",
)
@setting("--tls-cert", "postgres_tls_cert", metavar="FILE", help="Certificate, PEM: TLS as well.")
@setting("--tls-key", "postgres_tls_key", metavar="FILE", help="Its key, PEM.")
@setting(
    "--without-tls",
    "postgres_without_tls",
    is_flag=True,
    default=None,
    help="Listen for others without TLS.",
)
@with_settings
def postgres(settings: Settings) -> None:
    """Serve the tables to psql, Grafana, DBeaver, dbt: what speaks PostgreSQL's protocol.

    It only reads; statements are DuckDB's SQL, as in `logpond sql`. SET logpond.as_of = '-1h' asks
    how things were. On this machine you need no password, other users a token as the password. At
    any other address everybody does, and it has to be TLS; docs/postgres.md says more.

    \b
      logpond postgres
      psql postgresql://localhost:5433/logpond
      logpond postgres --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem
    """
    from analytics.postgres.server import serve

    serve(Places.of(settings), settings, echo)
