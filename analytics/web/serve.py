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

PATIENCE_SECONDS = 4


def serve(places: Places, web: Web, bootstrap: str, say: Callable[[str], None]) -> None:
    """Answer until a signal; says where, and why there, once."""
    token = web.token.get_secret_value()
    check_address(web.host, token)
    port = free_port(web.port)
    taken = f" (port {web.port} is taken)" if port != web.port else ""
    say(f"logpond: {places.lake} at http://{local(web.host)}:{port}/{taken}")
    app = create(places, Options(web.host, token, web.memory_mb, bootstrap))
    threading.Thread(target=_warm, args=(app.state.lake,), daemon=True).start()
    config = uvicorn.Config(
        app,
        host=web.host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=PATIENCE_SECONDS,
    )
    with suppress(KeyboardInterrupt):
        _Server(config, app.state.lake).run()


class _Server(uvicorn.Server):
    """Ends live parts, which have no end of their own, before it waits for the rest."""

    def __init__(self, config: uvicorn.Config, lake: Lake) -> None:
        super().__init__(config)
        self._lake = lake

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came."""
        self._lake.closing.set()
        super().handle_exit(sig, frame)


def _warm(lake: Lake) -> None:
    """The first look at a table costs a second: have it before somebody waits."""
    with suppress(LogpondError):
        lake.versions([*TABLES])
