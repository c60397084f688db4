"""The server: one process, until Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import uvicorn

from analytics.web.app import Options, create
from analytics.web.base.guard import check_address
from analytics.web.lake.lake import Lake
from lakehouse.errors import LogpondError
from lakehouse.paths import Places
from lakehouse.runtime.processes import free_port, local
from lakehouse.settings import Web
from lakehouse.tables.catalog import TABLES

STOP_SECONDS = 4


def serve(places: Places, web: Web, bootstrap: str, echo: Callable[[str], None]) -> None:
    """Serve until a signal. Prints the address once, and why it is not the one asked for."""
    token = web.token.get_secret_value()
    check_address(web.host, token)
    port = free_port(web.port)
    taken = f" (port {web.port} is taken)" if port != web.port else ""
    echo(f"logpond: {places.lake} at http://{local(web.host)}:{port}/{taken}")
    app = create(places, Options(web.host, token, web.memory_mb, bootstrap))
    threading.Thread(target=_warm, args=(app.state.lake,), daemon=True).start()
    config = uvicorn.Config(
        app,
        host=web.host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    with suppress(KeyboardInterrupt):
        _Server(config, app.state.lake).run()


class _Server(uvicorn.Server):
    """A server that ends live events, which have no end, before it waits for other answers."""

    def __init__(self, config: uvicorn.Config, lake: Lake) -> None:
        super().__init__(config)
        self._lake = lake

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End live events, then stop as uvicorn does."""
        self._lake.closing.set()
        super().handle_exit(sig, frame)


def _warm(lake: Lake) -> None:
    """Open every table: that costs a second, before somebody waits for it."""
    with suppress(LogpondError):
        lake.versions([*TABLES])
