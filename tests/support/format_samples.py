"""A reading and a record of each format of the registry, and of formats within others."""

from __future__ import annotations

import json

from support.protos import field, file, message, written
from support.schemas import Known

from lakehouse.formats.reading import Reading
from lakehouse.formats.schemas.lookup import AVRO, Written, asking

NOW = "2026-11-29T00:00:00+00:00"
ACCESS = (
    '192.0.2.7 - ann [17/May/2026:10:05:03 +0000] "GET /a/1?x=1 HTTP/1.1" 200 512 "-" "curl/8" '
    "330 0.012 [shop] [] 10.0.0.1:80 512 0.011 200 ab12"
)
HAPROXY = (
    "192.0.2.7:33317 [06/Feb/2026:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - "
    '---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /index.html HTTP/1.1"'
)
APP = "2026-05-17 10:05:03,978 INFO [main] a.b.C: Created\n\tat a.b.C.f(C.java:12)"
SYSLOG = '<165>1 2003-10-11T22:14:15.003Z h app 1 ID [a@1 b="c" d="\\"e\\""] hi'
OTLP = (
    '{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}'
    ']},"scopeLogs":[{"scope":{"name":"b"},"logRecords":[{"timeUnixNano":"1779012303500000000",'
    '"body":{"kvlistValue":{"values":[{"key":"c","value":{"doubleValue":1.5}}]}},"severityNumber":9'
    ',"traceId":"5b8efff798038103d269b633813fc60c","attributes":[{"key":"d","value":{"arrayValue":'
    '{"values":[{"intValue":"1"}]}}}]}]}]}]}'
)
RECORDS: dict[str, list[str]] = {
    "access-log": [ACCESS, f"www.example.com:443 {ACCESS}", f"192.0.2.1, {ACCESS}"],
    "alb": [
        "http 2026-07-02T22:23:00.186641Z app/lb/50dc 192.0.2.7:2817 10.0.0.1:80 0.000 0.001 0.002 "
        '200 200 34 366 "GET http://www.example.com:80/a?b=1 HTTP/1.1" "curl/7.46.0" - - arn:x "R"'
    ],
    "app": [
        APP,
        "03-17 16:13:38.811  1702  2395 D Manager: opening",
        "17/06/09 20:10:40 INFO a.B: done",
        "Jan 01 00:00:00 ERROR x",
        "May 17, 2026 10:05:03 AM a.B run\nINFO: done",
        "INFO  [main] 2026-05-17 10:05:03,123 A.java:12 - up (a.b.C)",
        "12:M 17 May 2026 10:05:03.123 # out of memory",
        "[10.30 16:49:06] chrome.exe - open",
    ],
    "audit": ['type=SYSCALL msg=audit(1779012303.243:2): arch=c0 success=no comm="cat"'],
    "avro": ["\x00\x00\x00\x00\x07\x04hi\x02\x02a\x02\x00"],
    "caddy": ['{"ts":1779012303.5,"request":{"method":"GET","uri":"/a"},"duration":0.01,"x":1.50}'],
    "cluster": [
        "- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.363779 R02-M1 RAS KERNEL FATAL parity",
        "- 1131566461 2005.11.09 dn228 Nov  9 12:01:01 dn228/dn228 crond(pam)[29]: session closed",
        "134681 node-246 unix.hw state.off 1077804742 1 Component",
    ],
    "compose": ["shop-1  | 2026-05-17T10:05:03.5Z hi", "[pod/a-1/b] hi"],
    "cri": [f"2026-05-17T10:05:03.5Z stdout F {ACCESS}"],
    "csv": ["2026-05-17 10:05:03,a,200,1.50", 'x,"a ""b"" c",-,1e999'],
    "docker": ['{"log":"hi\\n","stream":"stdout","time":"2026-05-17T10:05:03Z","attrs":{"a":1}}'],
    "ecs": ['{"@timestamp":"2026-05-17T10:05:03Z","log.level":"WARN","event":{"duration":9}}'],
    "envoy": [
        '[2026-04-15T20:17:00.310Z] "POST /api/v1/a HTTP/2" 204 - 154 12 226 100 "192.0.2.7" '
        '"curl" "cc21d9b0" "locations" "tcp://10.0.2.1:80"'
    ],
    "gelf": ['{"version":"1.1","host":"a","short_message":"b","level":3,"timestamp":1779012303.5}'],
    "haproxy": [HAPROXY],
    "journald": ['{"__REALTIME_TIMESTAMP":"1779012303500000","MESSAGE":[104,105],"PRIORITY":"3"}'],
    "json-schema": ['\x00\x00\x00\x00\x09{"message":"hi","x":{"y":1.50}}', '{"message":"hi"}'],
    "json": ['{"timestamp":"2026-05-17T10:05:03Z","service":"a","status_code":"1","x":[{"y":2}]}'],
    "logfmt": [
        'time=2026-05-17T10:05:03+02:00 level=warn msg="slow \\"one\\"" took=1m2.5s ip=[::1]:4'
    ],
    "logstash": ['{"@timestamp":"2026-05-17T10:05:03Z","@version":"1","response":200}'],
    "mixed": [APP, '{"a": 1}', "a=1 b=2 c=3"],
    "nginx-json": ['{"remote_addr":"192.0.2.7","request":"GET / HTTP/1.1","request_time":"0.5"}'],
    "otlp": [OTLP],
    "pino": ['{"level":40,"time":1779012303500,"pid":1,"hostname":"h","msg":"hi"}'],
    "protobuf": ["\x00\x00\x00\x00\x08\x00\x0a\x02hi\x12\x01a\x18\x07\x50\x01"],
    "python": ["ERROR:a.b:failed\nTraceback (most recent call last):\nValueError: no"],
    "raw": ["something else"],
    "s3": [
        '79a5 bucket [17/May/2026:10:05:03 +0000] 192.0.2.7 - 3E57 REST.GET.OBJECT a/b "GET /a?b=1 '
        'HTTP/1.1" 200 - 113 2662992 70 10 "-" "S3Console/0.4" -'
    ],
    "syslog": [
        SYSLOG,
        "<34>Jan 01 22:14:15 h su: failed",
        f"Feb  6 12:14:14 h a[1]: {HAPROXY}",
    ],
    "text": ["2026-05-17T10:05:03Z WARN hi"],
    "timestamped": [f"2026-05-17T10:05:03.5Z {line}" for line in APP.split("\n")[:1]],
    "traefik": ['{"DownstreamStatus":200,"RequestMethod":"GET","Duration":1500,"StartUTC":"-"}'],
    "w3c": ['2026-05-17 10:05:03 192.0.2.7 GET /a x=1 200 250 "a b"'],
}
HI = [
    {"name": "message", "type": "string"},
    {"name": "x", "type": {"type": "map", "values": "long"}},
]
SCHEMAS = {
    7: Written(AVRO, json.dumps({"type": "record", "name": "Hi", "fields": HI})),
    8: written(
        file(message("Hi", *(field(n, i, "string") for i, n in ((1, "message"), (2, "x")))))
    ),
}
# Whoever takes these samples knows their schemas, as programs know their registry.
KNOWN = asking(Known(SCHEMAS))
KNOWN.__enter__()
COLUMNS = ["date", "time", "c-ip", "cs-method", "cs-uri-stem", "cs-uri-query", "sc-status"]
COLUMNS += ["time-taken", "x"]
OPTIONS = {
    "csv": {"columns": ["timestamp", "message", "status_code", "response_time"]},
    "text": {"pattern": r"(?P<timestamp>\S+) (?P<level>\w+) (?P<message>.*)"},
    "w3c": {
        "columns": [
            "date",
            "time",
            "c-ip",
            "cs-method",
            "cs-uri-stem",
            "cs-uri-query",
            "sc-status",
            "time-taken",
            "x",
        ]
    },
    "mixed": {"formats": ["access-log", "syslog", "docker", "app", "json", "logfmt", "raw"]},
}
MAPPINGS = {
    "logfmt": {"time": "timestamp", "took": "response_time", "msg": "message"},
    "json": {"t": "timestamp", "took": "response_time", "user.id": "user", "ts": "timestamp"},
}
# A format around lines, and one of these within them.
WITHIN = [
    ("cri", "access-log", {}),
    ("docker", "json", {"mapping": {"t": "timestamp", "took": "response_time"}}),
    ("syslog", "haproxy", {}),
    ("compose", "logfmt", {"mapping": {"took": "response_time"}}),
    ("timestamped", "app", {}),
]


def readings() -> list[Reading]:
    """How records of each format are read, by itself and within others."""
    plain = [
        Reading(
            format=name,
            options=OPTIONS.get(name, {}),
            mapping=MAPPINGS.get(name, {}),
            units={"response_time": "s"},
            zone="UTC",
        )
        for name in RECORDS
    ]
    inner = [
        Reading(format=name, options={"inner": within, "reading": own}, zone="UTC")
        for name, within, own in WITHIN
    ]
    return [*plain, *inner]


def records_of(reading: Reading) -> list[bytes]:
    """Records of the format of a reading."""
    return [record.encode() for record in RECORDS[reading.format]]
