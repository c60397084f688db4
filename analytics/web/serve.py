"""The server: one process, until Ctrl-C."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import uvicorn

from analytics.web.app import Options, create
from analytics.web.guard import check_address
from analytics.web.lake import Lake
from lakehouse.children import free_port, local
from lakehouse.errors import LogpondError
from lakehouse.paths import Places
from lakehouse.settings import Web
from lakehouse.tables import TABLES

# Live parts have no end of their own.
PATIENCE_SECONDS = 1


def serve(places: Places, web: Web, bootstrap: str, say: Callable[[str], None]) -> None:
    """Answer until a signal; says where, and why there, once."""
    token = web.token.get_secret_value()
    check_address(web.host, token)
    port = free_port(web.port)
    taken = f" (port {web.port} is taken)" if port != web.port else ""
    say(f"logpond: {places.lake} at http://{local(web.host)}:{port}/{taken}")
    app = create(places, Options(web.host, token, web.memory_mb, bootstrap))
    threading.Thread(target=_warm, args=(app.state.lake,), daemon=True).start()
    uvicorn.run(
        app, host=web.host, port=port, log_level="warning", access_log=False, server_header=False,
        timeout_graceful_shutdown=PATIENCE_SECONDS,
    )  # fmt: skip


def _warm(lake: Lake) -> None:
    """The first look at a table costs a second: have it before somebody waits."""
    with suppress(LogpondError):
        lake.versions([*TABLES])
