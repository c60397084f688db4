"""The command `web`, which serves the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lakehouse.paths import Places
from lakehouse.terminal.options import setting, with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from lakehouse.settings import Settings


@click.command()
@setting("--host", "web_host", metavar="ADDRESS", help="Address to listen at.  [127.0.0.1]")
@setting(
    "--port",
    "web_port",
    type=click.IntRange(1, 65535),
    help="Port; any free one if taken.  [8000]",
)
@setting("--tls-cert", "web_tls_cert", metavar="FILE", help="Certificate, PEM: serve by TLS.")
@setting("--tls-key", "web_tls_key", metavar="FILE", help="Its key, PEM.")
@with_settings
def web(settings: Settings) -> None:
    """Show the lake in a browser: what happens now, every row, and how it was before.

    Reads the tables by themselves: the stream may run or not, and no JVM starts. On this machine
    you need nothing, other users a token. At any other address everybody does: the first start
    prints a link to sign in with. Programs send `Authorization: Bearer`; `logpond token` makes
    more tokens. /metrics is for Prometheus, /api/openapi.json for programs.

    \b
      logpond web
      logpond web --lake /data/lake --port 8080
      logpond web --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem
    """
    from analytics.web.serve import serve

    serve(Places.of(settings), settings, echo)
