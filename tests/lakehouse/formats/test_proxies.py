"""Lines of Envoy, HAProxy and an AWS load balancer, by themselves and within syslog."""

from __future__ import annotations

import json

import pytest

from lakehouse.formats.messages import messages
from lakehouse.formats.reading import Reading
from lakehouse.formats.recognise import recognise, sample_of

HAPROXY = (
    "192.0.2.7:33317 [06/Feb/2026:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - "
    '---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html HTTP/1.1"'
)
CASES = [
    (
        '[2026-04-15T20:17:00.310Z] "POST /api/v1/a HTTP/2" 204 - 154 12 226 100 "192.0.2.7" '
        '"curl" "cc21d9b0" "locations" "tcp://10.0.2.1:80"',
        "envoy",
        ("2026-04-15T20:17:00.310Z", "POST", "/api/v1/a", 204, 12, 226.0),
    ),
    (HAPROXY, "haproxy", ("2026-02-06T12:14:14.655000Z", "GET", "/index.html", 200, 2750, 109.0)),
    (
        f"Feb  6 12:14:14 localhost haproxy[14389]: {HAPROXY}",
        "syslog",
        ("2026-02-06T12:14:14.655000Z", "GET", "/index.html", 200, 2750, 109.0),
    ),
    (
        "http 2026-07-02T22:23:00.186641Z app/lb/50dc 192.0.2.7:2817 10.0.0.1:80 0.000 0.001 0.002 "
        '200 200 34 366 "GET http://www.example.com:80/a?b=1 HTTP/1.1" "curl/7.46.0" - - arn:x "R"',
        "alb",
        ("2026-07-02T22:23:00.186641Z", "GET", "/a?b=1", 200, 366, 3.0),
    ),
    (
        '79a5 bucket [17/May/2026:10:05:03 +0000] 192.0.2.7 - 3E57 REST.GET.OBJECT a/b "GET /a?b=1 '
        'HTTP/1.1" 200 - 113 2662992 70 10 "-" "S3Console/0.4" -',
        "s3",
        ("2026-05-17T10:05:03Z", "GET", "/a?b=1", 200, 113, 70.0),
    ),
]
KEYS = ("timestamp", "method", "path", "status_code", "bytes_sent", "response_time")


@pytest.mark.parametrize(("line", "form", "values"), CASES)
def test_a_request_by_way_of_a_proxy(line: str, form: str, values: tuple[object, ...]) -> None:
    """With its time to answer in ms, and the address of the client without its port."""
    found = recognise(sample_of(f"{line}\n".encode() * 3))
    assert found is not None
    options = {**found.proposal.options, "before": "2026-11-29T00:00:00+00:00"}
    reading = Reading(format=found.format.name, options=options, zone="UTC")
    (payload,) = messages([line.encode()], reading).payloads
    one = json.loads(payload or b"{}")
    assert (found.format.name, one["ip"]) == (form, "192.0.2.7")
    assert tuple(one[key] for key in KEYS) == values


@pytest.mark.parametrize(
    ("line", "form", "kept"),
    [
        (
            HAPROXY.replace("- - ----", "a=1 b=2 ----").replace(
                '"GET /index.html HTTP/1.1"', '"<BAD>"'
            ),
            "haproxy",
            {
                "request_cookie": "a=1",
                "response_cookie": "b=2",
                "headers": "{1wt.eu} {}",
                "request": "<BAD>",
            },
        ),
        (CASES[3][0], "alb", {"origin": "http://www.example.com:80", "more": ' - - arn:x "R"'}),
        (CASES[0][0].replace("POST /api/v1/a HTTP/2", "x y z"), "envoy", {"request": "x y z"}),
    ],
)
def test_what_is_no_field_is_kept(line: str, form: str, kept: dict[str, str]) -> None:
    """Cookies, headers, the host that was asked, and what is no request of HTTP."""
    (payload,) = messages([line.encode()], Reading(format=form, zone="UTC")).payloads

    found = json.loads(payload or b"")

    assert {key: found.get(key) for key in kept} == kept
