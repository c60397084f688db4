"""Every key of a record is in its message: in a field, or under a name of its own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lakehouse.formats.messages import messages
from lakehouse.formats.reading import Reading


def of(form: str, record: str, **reading: Any) -> dict[str, Any]:
    """The message of a record."""
    (payload,) = messages([record.encode()], Reading(format=form, **reading)).payloads
    assert payload is not None
    return dict(json.loads(payload))


def test_pairs_of_one_name_are_numbered() -> None:
    """The words between them are flags; a quote that is not closed holds the rest."""
    found = of("logfmt", 'a=1 b="x \\"y\\"" a=2 (word) flags=on a=3 c="cut off')

    assert found == {
        "a": "1",
        "b": 'x "y"',
        "a#2": "2",
        "flags": "on",
        "flags#2": "(word)",
        "a#3": "3",
        "c": "cut off",
    }


def test_parameters_of_syslog_have_the_name_of_their_element() -> None:
    """Elements with the same parameters, one that has it twice, and one without any."""
    line = '<165>1 - h app - ID [a@1 x="1" y="\\"]\\\\"][b@1 x="2" x="3"][c] hi'

    found = of("syslog", line)

    assert {key: value for key, value in found.items() if "@" in key} == {
        "a@1.x": "1",
        "a@1.y": '"]\\',
        "b@1.x": "2",
        "b@1.x#2": "3",
    }
    assert found["c"] == ""
    assert (found["message"], found["service"], found["host"]) == ("hi", "app", "h")


@pytest.mark.parametrize(
    ("tail", "fields"),
    [
        (
            " 330 0.012 [shop] [] 10.0.0.1:80, 10.0.0.2:80 0, 512 0.001, 0.011 502, 200 ab12",
            {
                "response_time": 12.0,
                "request_length": "330",
                "upstream_name": "shop",
                "upstream_addr": "10.0.0.1:80, 10.0.0.2:80",
                "upstream_response_length": "0, 512",
                "upstream_response_time": "0.001, 0.011",
                "upstream_status": "502, 200",
                "request_id": "ab12",
            },
        ),
        (' rt=0.012 uct="0.1" "203.0.113.9"', {"response_time": 12.0, "uct": "0.1"}),
        (' a="x \\"y\\"" "-" z', {"a": 'x \\"y\\"', "field3": "z"}),
        (
            ' rt=0.001 rt=0.002 rt=x path="/x" 0.003',
            {"response_time": 1.0, "rt": "0.002", "rt#2": "x", "path": "/", "path#2": "/x"},
        ),
    ],
)
def test_what_stands_after_an_agent_is_kept(tail: str, fields: dict[str, Any]) -> None:
    """Of an ingress controller, by name, and by place."""
    line = f'192.0.2.7 - - [17/May/2026:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "c"{tail}'

    found = of("access-log", line)

    assert {key: found[key] for key in fields} == fields


CRI = "2026-05-17T10:05:03.500000001Z stdout F "
DOCKER = '{"log":"%s\\n","stream":"stdout","time":"2026-05-17T10:05:04Z","attrs":%s,"more":[1.50]}'
JSON = Reading(format="json", mapping={"ts": "timestamp", "name": "service"})
INSIDE = {"inner": "json", "reading": {"mapping": dict(JSON.mapping)}}
WHOLE: list[tuple[str, str, dict[str, Any], list[str]]] = [
    (
        "cri",
        CRI + '{"ts":"2026-05-17T10:05:02Z","stream":"inner","name":"shop","original.stream":"o"}',
        {"options": INSIDE},
        ["10:05:03.500000001Z", "10:05:02Z", "stdout", '"inner"', "shop", '"o"'],
    ),
    (
        "docker",
        DOCKER % ("x", '{"stream":"s1","more":"m1","tag":1.50,"timestamp":"t1","message":"n1"}'),
        {},
        ["stdout", "10:05:04Z", "s1", "m1", '"tag":1.50', "t1", "n1", '"more":[1.50]', '"x"'],
    ),
    ("docker", DOCKER % ("x", '"attrs1"'), {}, ["attrs1"]),
    (
        "compose",
        'shop-1  | {"name":"cart","container":"c1","pod":7.0}',
        {"options": INSIDE},
        ['"service":"shop"', "cart", '"c1"', "shop-1", "7.0"],
    ),
    (
        "syslog",
        '<14>1 2026-05-17T10:05:03Z h app 7 ID [a service="s1" x="1"] {"pid":8,"host":"h2"}',
        {"options": INSIDE},
        ['"h"', "app", '"7"', "ID", "s1", '"h2"', '"pid":8', '"level":"6"'],
    ),
    (
        "w3c",
        "2026-05-17 10:05:03 q=1 a b 192.0.2.7",
        {"options": {"columns": ["date", "time", "cs-uri-query", "x", "x", "ip"]}},
        ["q=1", '"x":"a"', '"x#2":"b"', "192.0.2.7"],
    ),
    (
        "w3c",
        "192.0.2.7 203.0.113.9 - t1",
        {"options": {"columns": ["c-ip", "ip", "date", "timestamp"]}},
        ['"ip":"192.0.2.7"', "203.0.113.9", "t1"],
    ),
    ("csv", "a,b", {"options": {"columns": ["x", "x"]}}, ['"x":"a"', '"x#2":"b"']),
    (
        "journald",
        '{"__REALTIME_TIMESTAMP":"1779012303500000","MESSAGE":"m","level":"l1","PRIORITY":3,"A":null,'
        '"_SYSTEMD_UNIT":"u1","logger":"l2","host":"h1","_HOSTNAME":"h2","B":[1,300]}',
        {},
        ['"m"', "l1", '"level":"3"', "u1", "l2", "h1", "h2", "[1,300]"],
    ),
    (
        "json",
        '{"t":"2026-05-17T10:05:03Z","ts":1779012303123456789,"original.ts":1,"user.id":1.50,'
        '"user":2}',
        {"mapping": {"t": "timestamp", "ts": "timestamp", "user.id": "user"}},
        [
            "10:05:03Z",
            "1779012303123456789",
            '"original.ts":1',
            '"user":"1.50"',
            '"original.user":2',
        ],
    ),
    (
        "json",
        '{"t":"10:05","ts":"2026-05-17T10:05:03.123456789Z"}',
        {"mapping": {"t": "timestamp", "ts": "timestamp"}},
        ['"timestamp":"2026-05-17T10:05:03.123456789Z"', '"t":"10:05"'],
    ),
    (
        "json",
        '{"t":"2026-05-17T10:05:03.123456789Z","ts":"x"}',
        {"mapping": {"t": "timestamp", "ts": "timestamp"}},
        ['"timestamp":"2026-05-17T10:05:03.123456789Z"', '"ts":"x"'],
    ),
    (
        "json",
        '{"d":"2026-05-17","t":"10:05:03","u":"z"}',
        {"mapping": {"d": "timestamp", "t": "timestamp", "u": "timestamp"}, "zone": "UTC"},
        ['"timestamp":"2026-05-17T10:05:03Z"', '"u":"z"'],
    ),
    (
        "traefik",
        '{"time":"2026-05-17T10:05:03Z","StartUTC":"2026-05-17T10:05:02.5Z","Duration":1e300,"x":1.50}',
        {},
        ["10:05:03Z", "10:05:02.5Z", "1e300", '"x":1.50'],
    ),
    (
        "logfmt",
        "took=1e308 a=Infinity",
        {"mapping": {"took": "response_time"}},
        ["1e308", "Infinity"],
    ),
    (
        "caddy",
        '{"ts":1779012303.5,"request":{"method":"GET","uri":"/a","client_ip":"192.0.2.1","remote_ip":'
        '"192.0.2.2","headers":{"User-Agent":["c"],"X":["y"]}},"duration":1e999,"size":null}',
        {},
        ["192.0.2.1", "192.0.2.2", '"c"', '["y"]', "1e999"],
    ),
    (
        "audit",
        "type=USER msg=audit(1779012303.243:24287): host=h1 a=1 a=2 serial=9",
        {},
        ["h1", '"a":"1"', '"a#2":"2"', "24287", '"serial#2":"9"'],
    ),
]


@pytest.mark.parametrize(("form", "record", "reading", "values"), WHOLE)
def test_every_value_is_in_the_message(
    form: str, record: str, reading: dict[str, Any], values: list[str]
) -> None:
    """Also of two keys that give one field, of a line and what stands around it; as written."""
    (payload,) = messages([record.encode()], Reading(format=form, **reading)).payloads

    assert [value for value in values if value not in (payload or b"").decode()] == []


def test_what_stands_before_a_level_is_kept() -> None:
    """Brackets, numbers and names, the second of each too."""
    found = of("app", "2026-05-17 10:05:03 [main] [r-1] 12 13 a.b c.d INFO hi", zone="UTC")

    del found["timestamp"]
    assert found == {
        "level": "INFO",
        "thread": "main",
        "thread#2": "r-1",
        "pid": "12",
        "pid#2": "13",
        "logger": "a.b",
        "logger#2": "c.d",
        "message": "hi",
    }


def test_keys_that_a_mixed_source_maps_to_one_field_are_kept() -> None:
    """The first gives the field."""
    mapping = {"time": "timestamp", "ts": "timestamp"}
    options = {"formats": ["json"], "mapping": mapping}

    found = of("mixed", '{"time": "2026-05-17T10:05:03Z", "ts": "b"}', options=options)

    assert found == {"timestamp": "2026-05-17T10:05:03Z", "ts": "b"}


@pytest.mark.parametrize("form", ["mixed", "cri", "compose"])
@pytest.mark.parametrize("constants", [{}, {"service": "svc"}])
def test_a_service_that_a_format_stands_for_is_not_of_the_record(
    form: str, constants: dict[str, str]
) -> None:
    """Only a service that the record names is kept where every event gets another."""
    line = '192.0.2.7 - - [17/May/2026:10:05:03 +0000] "GET / HTTP/1.1" 200 5'
    around = {"mixed": "", "cri": CRI, "compose": "shop-1 | "}[form]
    options = {"formats": ["access-log"]} if form == "mixed" else {"inner": "access-log"}

    found = of(form, around + line, constants=constants, options=options)

    own = "shop" if form == "compose" else None
    assert found["service"] == constants.get("service", own or "web")
    assert found.get("original.service") == (own if constants else None)
