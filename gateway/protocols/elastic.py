"""What collectors ask Elasticsearch before they send: its version, licence, templates, policies.

The answers are those of one that has all that it is asked for, so that nobody sets anything up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.protocols.bulk import PRODUCT, answered
from gateway.requests import named

VERSION = "8.19.0"
LICENSE = {
    "status": "active",
    "uid": named("logpond", "license"),
    "type": "basic",
    "mode": "basic",
    "issued_to": "logpond",
    "issuer": "logpond",
    "issue_date_in_millis": 0,
}
FEATURES = ("ilm", "monitoring", "security")
ABOUT = {
    "name": "logpond",
    "cluster_name": "logpond",
    "cluster_uuid": named("logpond", "cluster")[:22],
    "version": {
        "number": VERSION,
        "build_flavor": "default",
        "build_type": "docker",
        "build_hash": "0" * 40,
        "build_date": "2025-01-01T00:00:00.000Z",
        "build_snapshot": False,
        "lucene_version": "9.12.1",
        "minimum_wire_compatibility_version": "7.17.0",
        "minimum_index_compatibility_version": "7.0.0",
    },
    "tagline": "You Know, for Search",
}
HEALTH = {"cluster_name": "logpond", "status": "green", "timed_out": False, "number_of_nodes": 1}
Answer = Callable[[str], Any]
# What is asked for, and the answer to it; what a collector would set up is there already.
QUESTIONS: dict[str, Answer] = {
    "/": lambda _: ABOUT,
    "/_license": lambda _: {"license": LICENSE},
    "/_xpack": lambda _: {
        "license": LICENSE,
        "features": {name: {"available": True, "enabled": True} for name in FEATURES},
    },
    "/_cluster/health": lambda _: HEALTH,
    "/_index_template/{name}": lambda name: {
        "index_templates": [{"name": name, "index_template": {"index_patterns": [f"{name}*"]}}]
    },
    "/_template/{name}": lambda name: {name: {"index_patterns": [f"{name}*"]}},
    "/_component_template/{name}": lambda name: {"component_templates": [{"name": name}]},
    "/_ilm/policy/{name}": lambda name: {name: {"version": 1, "policy": {"phases": {}}}},
    "/_ingest/pipeline/{name}": lambda name: {name: {"processors": []}},
    "/_data_stream/{name}": lambda name: {"data_streams": [{"name": name, "indices": []}]},
    "/_alias/{name}": lambda name: {name: {"aliases": {name: {}}}},
}
METHODS = ("GET", "HEAD", "PUT", "POST")


def routes() -> list[Route]:
    """A route for each question."""
    return [Route(path, _answers(found), methods=METHODS) for path, found in QUESTIONS.items()]


def _answers(found: Answer) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if request.method == "HEAD":
            return Response(headers=PRODUCT, media_type="application/json")
        if request.method == "GET":
            return answered(found(request.path_params.get("name", "")))
        return answered({"acknowledged": True})

    return answer
