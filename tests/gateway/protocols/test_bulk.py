"""Bulk requests: Elasticsearch's own client for Python, and what collectors ask first."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk, streaming_bulk
from support.sending import TOKEN, Door, events

DOCUMENT = {
    "@timestamp": "2026-05-01T11:59:30.250Z",
    "message": "payment failed",
    "log": {"level": "error", "logger": "shop.pay"},
    "service": {"name": "pay"},
    "host": {"name": "h1"},
    "agent": {"type": "filebeat"},
}


def lines(*objects: Any) -> bytes:
    """A body of objects, one a line."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in objects)


@pytest.mark.parametrize("compress", [False, True])
def test_the_client_of_elasticsearch_sends(door: Door, compress: bool) -> None:
    """Its helper takes the server for Elasticsearch; documents become events of their fields."""
    with Elasticsearch(door.at, http_compress=compress) as client:
        assert client.info()["tagline"] == "You Know, for Search"
        actions = [{"_index": "logs", "_op_type": "create", "_source": DOCUMENT}] * 500
        assert bulk(client, actions) == (500, [])
    found = events(door.sent())
    assert len(found) == 500
    event = found[0]
    assert (event["service"], event["level"], event["logger"]) == ("pay", "ERROR", "shop.pay")
    assert (event["host"], event["message"]) == ("h1", "payment failed")
    assert dict(event["attributes"]) == {"agent.type": "filebeat"}


def test_each_item_has_its_answer(door: Door) -> None:
    """In their order, under the action's name: what is taken, what no log has, what is no JSON."""
    body = lines(
        {"index": {"_index": "a"}}, {"message": "1"}, {"update": {"_id": "7"}}, {"doc": {}}
    )
    body += lines({"delete": {"_id": "8"}}, {"create": {}}) + b"{broken\n" + lines({"create": {}})
    body += b'"text"\n' + lines({"create": {"_id": "9"}}, {"message": "2"})
    found = door.post("/mine/_bulk", body).json()
    names = [(name, item["status"]) for one in found["items"] for name, item in one.items()]
    assert names == [
        *(("index", 201), ("update", 400), ("delete", 400)),
        *(("create", 400), ("create", 400), ("create", 201)),
    ]
    assert found["errors"]
    assert [(one["message"], one["service"]) for one in door.messages()] == [
        ("1", "a"),
        ("2", "mine"),
    ]


def test_a_document_with_an_id_is_the_same_at_a_retry(door: Door) -> None:
    """By its index and id, or by the key of the request."""
    for path in ("/a/_bulk", "/a/_bulk", "/b/_bulk"):
        body = lines({"create": {"_id": "7"}}, {"n": 1}, {"create": {}}, {"n": 2})
        assert door.post(path, body, idempotency_key="k").json()["errors"] is False
    ids = [(one["n"], one["event_id"]) for one in door.messages()]
    assert len(ids) == 6
    assert len({*ids}) == 4


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("index", ["ingest", "v1", "_bulk"])
def test_an_index_may_have_any_name(door: Door, method: str, index: str) -> None:
    """Those of other addresses too; an error is then one of Elasticsearch as well."""
    body = lines({"create": {}}, {"message": "1"})
    answer = httpx.request(method, f"{door.at}/{index}/_bulk", content=body)
    assert answer.json()["items"][0]["create"]["status"] == 201
    assert [one["service"] for one in door.messages()] == [index]
    wrong = httpx.request(method, f"{door.at}/{index}/_bulk", content=b"nonsense")
    assert wrong.json()["error"]["type"] == "illegal_argument_exception"


def test_an_id_is_text_whatever_it_is_written_as(door: Door) -> None:
    """As Elasticsearch has it: numbers as they are written, null as none; empty or long fails."""
    ids = ["0", "1.50", "true", "null", '"0"', '""', '"%s"' % ("x" * 513)]
    body = "".join(f'{{"create":{{"_index":7,"_id":{one}}}}}\n{{"n":1}}\n' for one in ids)
    items = [one["create"] for one in door.post("/_bulk", body).json()["items"]]
    assert [one["status"] for one in items] == [*[201] * 5, 400, 400]
    assert [one["_id"] for one in items[:3]] == ["0", "1.50", "true"]
    assert "must not be empty" in items[5]["error"]["reason"]
    assert "was: 513" in items[6]["error"]["reason"]
    assert len(items[6]["_id"]) == 512
    sent = door.messages()
    assert {one["service"] for one in sent} == {"7"}
    known = [one["event_id"] for one in sent if "event_id" in one]
    assert (len(known), len({*known})) == (4, 3)


def test_an_index_of_a_long_name_fails_alone(door: Door) -> None:
    """The answer does not repeat it."""
    body = lines({"create": {"_index": "a" * 300_000}}, {"n": 1}, {"create": {}}, {"n": 2})
    answer = door.post("/_bulk", body)
    first, second = (one["create"] for one in answer.json()["items"])
    assert ("was: 300000" in first["error"]["reason"], second["status"]) == (True, 201)
    assert len(answer.content) < 2000


@pytest.mark.parametrize(
    "given", [b'"_id":{}', b'"_id":[1]', b'"_index":{"a":1}', b'"_id":"\xff"', b'"_index":"\xff"']
)
def test_an_id_that_is_no_simple_value_is_malformed(door: Door, given: bytes) -> None:
    """The error names the line and the field, and nothing is taken."""
    body = b'{"create":{}}\n{"n":1}\n{"create":{%b}}\n{"n":1}\n' % given
    found = door.post("/_bulk", body)
    assert (found.status_code, "line [3]" in found.text) == (400, True)
    field = given.split(b'"')[1].decode()
    assert f"field [{field}]" in found.json()["error"]["reason"]
    assert door.sent() == []


def test_a_document_that_is_too_long_fails_alone(door: Door) -> None:
    """The client hears of it by the item."""
    actions = [{"_index": "a", "message": text} for text in ("x" * 1_000_001, "short")]
    with Elasticsearch(door.at) as client:
        found = [*streaming_bulk(client, actions, raise_on_error=False)]
    assert [(taken, item["index"]["status"]) for taken, item in found] == [
        (False, 400),
        (True, 201),
    ]
    assert [one["message"] for one in door.messages()] == ["short"]


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (400, b"nonsense\n", {}),
        (400, lines({"create": {}}, {"n": 1}, {"n": 2}), {}),
        (400, lines({"create": {}, "index": {}}, {"n": 1}), {}),
        (400, b"[]\n", {}),
        (413, gzip.compress(b"\n" * (17 << 20)), {"content_encoding": "gzip"}),
        (415, b"", {"content_encoding": "br"}),
    ],
)
def test_what_is_no_request_is_refused(
    door: Door, status: int, body: bytes, headers: dict[str, str]
) -> None:
    """As a whole, with nothing sent, and with an error as Elasticsearch writes it."""
    found = door.post("/_bulk", body, **headers)
    assert found.status_code == status
    assert found.json()["error"]["reason"]
    assert found.json()["status"] == status
    assert door.sent() == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", "/"), ("HEAD", "/"), ("GET", "/_license"), ("GET", "/_xpack")),
        *(("HEAD", "/_index_template/logstash"), ("PUT", "/_index_template/filebeat-8.19.0")),
        *(("GET", "/_ilm/policy/filebeat"), ("PUT", "/_ilm/policy/filebeat")),
        *(("GET", "/_cluster/health"), ("GET", "/_data_stream/logs-app-default")),
        *(("PUT", "/_ingest/pipeline/apache"), ("HEAD", "/_alias/filebeat")),
    ],
)
def test_first_questions_have_answers(door: Door, method: str, path: str) -> None:
    """With the header that clients look for; a licence that is active, a version that they know."""
    found = httpx.request(method, door.at + path)
    assert (found.status_code, found.headers["x-elastic-product"]) == (200, "Elasticsearch")
    if method == "GET":
        assert found.json()


def test_what_clients_read_of_a_licence(door: Door) -> None:
    """Logstash and Beats go on with one that is active."""
    assert httpx.get(f"{door.at}/_license").json()["license"]["status"] == "active"
    assert httpx.get(f"{door.at}/_xpack").json()["features"]["ilm"]["enabled"]
    assert httpx.get(f"{door.at}/anything/_search").status_code == 404


def test_a_password_may_be_the_token(door: Door) -> None:
    """A wrong one is refused, also where the user of this machine needs none."""
    with Elasticsearch(door.at, basic_auth=("logpond", TOKEN)) as client:
        answer = client.options(ignore_status=401).info()
    assert answer.meta.status == 401
