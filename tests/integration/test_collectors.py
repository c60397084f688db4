"""What the page Ingest and the README say to write into collectors, sent to a real gateway."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk
from support.produced import values
from support.sending import TOKEN, events

from analytics.web.ingest.collectors import COLLECTORS, Snippet, Target

SENT = {**os.environ, "LOGPOND_TOKEN": TOKEN}
LINE = '203.0.113.7 - - [01/May/2026:11:59:30 +0000] "GET /a HTTP/1.1" 404 512 "-" "curl/8"\n'
pytestmark = pytest.mark.slow


def text(file: str, target: Target) -> str:
    """A snippet for a target, with the token where it says so; its variables as they are."""
    return Snippet(file, "", "").text(target).replace(" TOKEN", f" {TOKEN}")


def configured(file: str, target: Target) -> Any:
    """A snippet of YAML or TOML, with its variables replaced."""
    filled = re.sub(r"\$\{(env:)?LOGPOND_TOKEN\}", TOKEN, text(file, target))
    return tomllib.loads(filled) if file.endswith(".toml") else yaml.safe_load(filled)


def arrived(target: Target, count: int) -> list[dict[str, Any]]:
    """The events of the topic, once there are so many."""
    until = time.monotonic() + 60
    while len(found := values(target.kafka, target.topic)) < count:
        assert time.monotonic() < until
        time.sleep(0.2)
    return events([value or b"" for value in found])


def post(url: str, body: bytes, headers: dict[str, str]) -> None:
    """Sends a body by gzip, which has to be taken."""
    headers = {"content-encoding": "gzip", **headers}
    found = httpx.post(url, content=gzip.compress(body), headers=headers, timeout=60)
    assert found.status_code == 200, found.text
    assert found.json()["unreadable"] == 0


def test_every_snippet_is_run_or_read_by_a_test() -> None:
    """One that is added has to be tested."""
    files = {one.file for of in COLLECTORS.values() for one in of.snippets}
    here = "".join(one.read_text() for one in Path(__file__).parent.glob("test_collector*.py"))
    assert {file for file in files if f'"{file}"' not in here} == set()


def test_curl_sends(target: Target, tmp_path: Path) -> None:
    """One record, and a whole access log, as they stand there."""
    (tmp_path / "access.log").write_text(LINE)
    for file in ("curl.sh", "curl-file.sh"):
        words = ["bash", "-euo", "pipefail", "-c", text(file, target)]
        subprocess.run(words, cwd=tmp_path, env=SENT, check=True, capture_output=True)
    names = ("service", "message", "level", "status_code")
    found = {tuple(event[name] for name in names) for event in arrived(target, 2)}
    assert found == {("cart", "payment failed", "ERROR", None), ("cart", None, None, 404)}


def test_without_its_token_nothing_is_taken(target: Target, tmp_path: Path) -> None:
    """The command fails, and says how to get one."""
    words = ["bash", "-c", text("curl.sh", target)]
    env = {**SENT, "LOGPOND_TOKEN": "a guess"}
    ran = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert ran.returncode == 22
    assert "logpond token" in ran.stdout
    assert values(target.kafka, target.topic) == []


def test_python_sends(target: Target) -> None:
    """By OpenTelemetry's exporter, before the program ends."""
    subprocess.run([sys.executable, "-c", text("python.py", target)], env=SENT, check=True)
    (event,) = arrived(target, 1)
    named = {name: event[name] for name in ("service", "level", "message", "logger")}
    assert named == {
        "service": "cart",
        "level": "ERROR",
        "message": "payment failed",
        "logger": "payments",
    }
    assert dict(event["attributes"])["order"] == "17"


def test_a_collector_of_opentelemetry_is_led_here(target: Target) -> None:
    """Its endpoint, completed as it does, and its header; and every part is in the pipeline."""
    known = configured("collector.yaml", target)
    exporter = known["exporters"]["otlp_http/logpond"]
    request = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "hi"}}]}]}]}
    headers = {"content-type": "application/json", **exporter["headers"]}
    url = f"{exporter['endpoint']}/v1/logs"
    found = httpx.post(url, content=json.dumps(request), headers=headers, timeout=60)
    assert (found.status_code, found.json()) == (200, {})
    (pipeline,) = known["service"]["pipelines"].values()
    for kind, names in pipeline.items():
        assert {*names} == {*known[kind]}
    (named,) = known["processors"]["resource"]["attributes"]
    assert (named["key"], named["value"]) == ("service.name", "cart")
    assert arrived(target, 1)[0]["message"] == "hi"


def test_fluent_bit_is_led_here(target: Target) -> None:
    """Lines of JSON as its `http` makes them, with its name for a line and its form of a time."""
    known = configured("fluent-bit.yaml", target)["pipeline"]
    (source,), (output,) = known["inputs"], known["outputs"]
    assert (output["format"], output["compress"], output["retry_limit"]) == (
        "json_lines",
        "gzip",
        "no_limits",
    )
    line = {output["json_date_key"]: "2026-05-01T11:59:30.250000Z", source["key"]: "failed"}
    name, _, value = output["header"].partition(" ")
    url = f"http://{output['host']}:{output['port']}{output['uri']}"
    post(url, json.dumps(line).encode() + b"\n", {name: value})
    (event,) = arrived(target, 1)
    assert (event["message"], event["service"], event["time_from"]) == ("failed", "cart", "event")


def test_vector_is_led_here(target: Target) -> None:
    """Lines of JSON with the fields of its source `file`."""
    known = configured("vector.toml", target)
    sink, secret = known["sinks"]["logpond"], known["secret"]["logpond"]
    assert (sink["type"], sink["encoding"]["codec"], sink["framing"]["method"]) == (
        "http",
        "json",
        "newline_delimited",
    )
    assert sink["batch"]["max_bytes"] < 10 << 20
    assert sink["auth"]["strategy"] == "bearer"
    line = {"message": "failed", "timestamp": "2026-05-01T11:59:30.25Z", "host": "h1"}
    assert (secret["type"], sink["auth"]["token"]) == ("directory", "SECRET[logpond.token]")
    headers = {"authorization": f"Bearer {TOKEN}"}
    post(sink["uri"], json.dumps(line).encode() + b"\n", headers)
    (event,) = arrived(target, 1)
    assert (event["message"], event["service"], event["host"]) == ("failed", "cart", "h1")


def test_filebeat_is_led_here(target: Target) -> None:
    """By the client of Elasticsearch, with its hosts and password, and the field that it adds."""
    known = configured("filebeat.yml", target)
    output, (added,) = known["output.elasticsearch"], known["processors"]
    document = {
        "@timestamp": "2026-05-01T11:59:30.250Z",
        "message": "failed",
        added["add_fields"]["target"]: added["add_fields"]["fields"],
    }
    send(output["hosts"], output["username"], output["password"], "filebeat-9.0.0", document)
    (event,) = arrived(target, 1)
    assert (event["message"], event["service"]) == ("failed", "cart")


def test_logstash_is_led_here(target: Target) -> None:
    """The index that it names is the service."""
    found = dict(re.findall(r'^ +(\w+) => \[?"([^"]+)"', text("logstash.conf", target), re.M))
    assert found["password"] == "${LOGPOND_TOKEN}"
    document = {"@timestamp": "2026-05-01T11:59:30.250Z", "message": "failed"}
    send([found["hosts"]], found["user"], TOKEN, found["index"], document)
    (event,) = arrived(target, 1)
    assert (event["message"], event["service"]) == ("failed", "cart")


def send(hosts: list[str], user: str, password: str, index: str, document: dict[str, Any]) -> None:
    """One document, by Elasticsearch's own client."""
    with Elasticsearch(hosts, basic_auth=(user, password)) as client:
        assert bulk(client, [{"_index": index, "_op_type": "create", **document}]) == (1, [])
