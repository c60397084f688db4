"""A bare endpoint: the gateway's framework, a parse and a produce, and nothing else."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

import orjson
import uvicorn
from confluent_kafka import Producer
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.delivery import TUNING


class Peer:
    """Answers once all records of a request are acknowledged; checks and bounds nothing."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._topic = topic
        self._producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0, **TUNING})
        threading.Thread(target=self._poll, daemon=True).start()

    async def lines(self, request: Request) -> Response:
        """Each line as it came."""
        found = (await request.body()).splitlines()
        for line in found:
            orjson.loads(line)
        return await self._sent(found)

    async def logs(self, request: Request) -> Response:
        """Each record of OTLP in its own protobuf."""
        found = ExportLogsServiceRequest.FromString(await request.body())
        scopes = (scope for resource in found.resource_logs for scope in resource.scope_logs)
        return await self._sent([r.SerializeToString() for s in scopes for r in s.log_records])

    async def _sent(self, values: list[bytes]) -> Response:
        loop, left = asyncio.get_running_loop(), [len(values)]
        all_of_them: asyncio.Future[None] = loop.create_future()

        def done(_error: Any, _message: Any) -> None:
            left[0] -= 1
            if not left[0]:
                loop.call_soon_threadsafe(all_of_them.set_result, None)

        batch = [{"value": value} for value in values]
        self._producer.produce_batch(self._topic, batch, on_delivery=done)
        await all_of_them
        return Response(b"")

    def _poll(self) -> None:
        while True:
            self._producer.poll(0.1)


if __name__ == "__main__":
    peer = Peer(sys.argv[1], sys.argv[2])
    paths = {"/ingest/bench": peer.lines, "/v1/logs": peer.logs}
    routes = [Route(path, answer, methods=["POST"]) for path, answer in paths.items()]
    uvicorn.run(Starlette(routes=routes), port=int(sys.argv[3]), http="h11", log_level="error")
