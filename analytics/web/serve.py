"""The server: one process, until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable

import uvicorn

from analytics.web.app import Options, create
from analytics.web.guard import check_address
from lakehouse.children import free_port
from lakehouse.paths import Places
from lakehouse.settings import Web

# Live parts have no end of their own.
PATIENCE_SECONDS = 1


def serve(places: Places, web: Web, bootstrap: str, say: Callable[[str], None]) -> None:
    """Answer until a signal; says where, and why there, once."""
    token = web.token.get_secret_value()
    check_address(web.host, token)
    port = free_port(web.port)
    taken = f" (port {web.port} is taken)" if port != web.port else ""
    say(f"logpond: {places.lake} at http://{shown(web.host)}:{port}/{taken}")
    app = create(places, Options(web.host, token, web.memory_mb, bootstrap))
    uvicorn.run(
        app, host=web.host, port=port, log_level="warning", access_log=False, server_header=False,
        timeout_graceful_shutdown=PATIENCE_SECONDS,
    )  # fmt: skip


def shown(host: str) -> str:
    """An address as it stands in a URL that works on this machine."""
    if host in ("0.0.0.0", "::"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
