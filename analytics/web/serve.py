"""Serves the pages: one process, until Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

from analytics.web.app import Options, create
from analytics.web.base.access import Access
from analytics.web.lake.lake import Lake
from lakehouse.errors import LogpondError
from lakehouse.http.sockets import Config, Server, check_certificate
from lakehouse.paths import Places
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.runtime.processes import free_port, local
from lakehouse.settings import Settings, Web
from lakehouse.tables.catalog import TABLES


def serve(places: Places, settings: Settings, echo: Callable[[str], None]) -> None:
    """Serves until a signal. Prints the address once; if it is another one than set, prints why.

    A first start that others can reach prints a link with a token, which is not shown again.
    """
    web, access = settings.web, Access.of(places, settings)
    certificate, port = check_certificate(web.tls_cert, web.tls_key), free_port(web.port)
    app = create(places, options(settings, access))
    config = Config(app, settings.http, web.proxies, **certificate)
    listener = config.listener(web.host, port)
    taken = f" (port {web.port} is taken)" if port != web.port else ""
    echo(f"logpond: {places.lake} at {address(web, port)}{taken}")
    if secret := access.first_token():
        echo(f"logpond: sign in, this link is shown once: {address(web, port, secret)}")
    threading.Thread(target=_warm, args=(app.state.lake,), daemon=True).start()
    app.state.lag.newest()

    def closing() -> None:
        app.state.lake.closing.set()
        app.state.commands.close()

    with suppress(KeyboardInterrupt):
        Server(config, closing).run([listener])


def options(settings: Settings, access: Access) -> Options:
    """Returns the options of the application by the settings."""
    web = settings.web
    kafka = Connection.of(settings.kafka)
    return Options(
        web.host,
        web.hosts,
        access,
        web.memory_mb,
        kafka,
        settings.http,
        settings.gateway,
        web.trace_url,
    )


def address(web: Web, port: int, token: str = "") -> str:
    """Returns the address of the pages on this machine; with a token, the link that signs in."""
    scheme = "https" if web.tls_cert else "http"
    return f"{scheme}://{local(web.host)}:{port}/" + (f"?token={token}" if token else "")


def _warm(lake: Lake) -> None:
    """Opens every table before the first request, as that takes a second."""
    with suppress(LogpondError):
        lake.versions([*TABLES])
