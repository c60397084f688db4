"""Lines of many programs: which format they are of, and the level and message that they say."""

from __future__ import annotations

import json

import pytest

from lakehouse.formats.messages import messages
from lakehouse.formats.reading import Reading
from lakehouse.formats.recognise import recognise, sample_of
from lakehouse.formats.records import records

NOW = "2026-11-29T00:00:00+00:00"
ACCESS = '192.0.2.7 - - [17/May/2026:10:05:03 +0000] \\"GET / HTTP/1.1\\" 200 512'
DOCKER = f'{{"log":"{ACCESS}\\n","stream":"stdout","time":"2026-05-17T10:05:03Z"}}'
CASES = [
    ("2015-10-18 18:01:47,978 INFO [main] a.b.C: Created", "app", "INFO", "Created"),
    ("081109 203615 148 INFO dfs.Data$P: block ended", "app", "INFO", "block ended"),
    ("17/06/09 20:10:40 INFO a.B: done", "app", "INFO", "done"),
    ("[Sun Dec 04 04:47:44 2005] [notice] init() ok", "app", "notice", "init() ok"),
    ("03-17 16:13:38.811  1702  2395 D Manager: opening", "app", "D", "opening"),
    ("2026-05-17 10:05:03.123 UTC [12] LOG:  is ready", "app", "LOG", "is ready"),
    ("2026-05-17T10:05:03.1+02:00  INFO 1 --- [m] c.D : up", "app", "INFO", "up"),
    ("I0529 10:05:03.123456   12 a.go:1] started", "app", "INFO", "started"),
    ("[2026-05-17 10:05:03 +0000] [12] [INFO] Starting", "app", "INFO", "Starting"),
    ("<34>Oct 11 22:14:15 h su: failed for x", "syslog", "2", "failed for x"),
    ('<165>1 2003-10-11T22:14:15.003Z h app 1 ID [a@1 b="c"] hi', "syslog", "5", "hi"),
    ("2026-05-17T10:05:03+02:00 h systemd[1]: Started", "syslog", None, "Started"),
    ('time=2026-05-17T10:05:03Z level=warn msg="slow one"', "logfmt", "warn", "slow one"),
    ('{"@timestamp":"2026-05-17T10:05:03Z","log.level":"WARN","message":"x"}', "ecs", "WARN", "x"),
    ('{"level":40,"time":1779012303500,"pid":1,"hostname":"h","msg":"hi"}', "pino", "40", "hi"),
    (
        f'{{"log":"{ACCESS}\\n","stream":"stdout","time":"2026-05-17T10:05:03Z"}}',
        "docker",
        None,
        None,
    ),
    ("INFO  [main] 2026-05-17 10:05:03,1 A.java:12 - up", "app", "INFO", "A.java:12 - up"),
    ("[WARN] 2026-05-17 10:05:03 slow", "app", "WARN", "slow"),
    ("warn 2026-05-17T10:05:03Z slow", "app", "warn", "slow"),
    ("2026.05.17 10:05:03.1 [ 1 ] {} <Error> App: boom", "app", "Error", "boom"),
    ("[2026-05-17T10:05:03.1+0000] {a.py:12} WARNING - slow", "app", "WARNING", "slow"),
    ("[2026-05-17T10:05:03Z WARN  app::cart] slow", "app", "WARN", "slow"),
    ("[2026-05-17 10:05:03,1] INFO [G 0]: up (kafka.server.K)", "app", "INFO", "up"),
    ("2026-05-17 10:05:03.1 | WARNING  | a.b:add:12 - slow", "app", "WARNING", "slow"),
    ("12:M 17 May 2026 10:05:03.123 # out of memory", "app", "warning", "out of memory"),
    ("[10.30 16:49:06] chrome.exe - open through proxy", "app", None, "open through proxy"),
    ("05/17/2026 10:05:03 AM WARN slow", "app", "WARN", "slow"),
    ("5/17/2026 9:05:03.25 PM WARN slow", "app", "WARN", "slow"),
    ("Sun May 17 10:05:03 UTC 2026 slow", "app", None, "slow"),
    (
        '{"t":{"$date":"2026-05-17T10:05:03.1Z"},"s":"I","c":"NETWORK","id":1,"msg":"accepted"}',
        "json",
        "I",
        "accepted",
    ),
    (
        '{"severity":"ERROR","textPayload":"boom","timestamp":"2026-05-17T10:05:03Z"}',
        "json",
        "ERROR",
        "boom",
    ),
    ('{"status":"warn","message":"slow","date":1779012303500}', "json", "warn", "slow"),
    (
        '{"timestamp":"2026-05-17T10:05:03Z","severity":"INFO","message":"x","httpRequest":'
        '{"requestMethod":"GET","requestUrl":"/a","status":200,"latency":"0.012s"}}',
        "json",
        "INFO",
        "x",
    ),
    ('{"status":"active","message":"x","date":1779012303500}', "json", None, "x"),
    (
        "- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.363779 R02-M1 RAS KERNEL FATAL parity",
        "cluster",
        "FATAL",
        "parity",
    ),
    (
        "- 1131566461 2005.11.09 dn228 Nov  9 12:01:01 dn228/dn228 crond(pam)[29]: session closed",
        "cluster",
        None,
        "session closed",
    ),
    ("134681 node-246 unix.hw state.off 1077804742 1 Component", "cluster", None, "Component"),
    (
        'type=SYSCALL msg=audit(1779012303.243:2): arch=c0 comm="cat"',
        "audit",
        None,
        'arch=c0 comm="cat"',
    ),
    ("2026-05-17 10:05:03,123 - a.b - INFO - hi: you", "app", "INFO", "hi: you"),
    ("2026-05-17 10:05:03,123 ERROR a.b: no: file", "app", "ERROR", "no: file"),
    ("WARNING:root:low on disk: 5%", "python", "WARNING", "low on disk: 5%"),
    ("something else altogether", "raw", None, "something else altogether"),
]


@pytest.mark.parametrize(("line", "form", "level", "message"), CASES)
def test_a_line_says_its_level_and_message(
    line: str, form: str, level: str | None, message: str | None
) -> None:
    """And has a time, where anything knows one."""
    found = recognise(sample_of(f"{line}\n".encode() * 3))
    assert found is not None
    proposal = found.proposal
    options = {**proposal.options, "before": NOW}
    reading = Reading(
        format=found.format.name, options=options, mapping=dict(proposal.mapping), zone="UTC"
    )
    (payload,) = messages([line.encode()], reading).payloads
    one = json.loads(payload or b"{}")
    assert (found.format.name, one.get("level"), one.get("message")) == (form, level, message)
    assert ("timestamp" in one) == (form not in ("python", "raw"))


def test_a_python_log_without_times_has_traces_too() -> None:
    """And lines that are no records go on with the one before."""
    head = b"ERROR:a.b:failed\nTraceback (most recent call last):\n  File x\nValueError: no\n"
    head += b"INFO:a:b\nc"
    found = recognise(sample_of(head))
    assert found is not None
    reading = Reading(format=found.format.name)
    lines = [record.original for record in records(head.splitlines(), reading)]
    first, second = (json.loads(payload or b"") for payload in messages(lines, reading).payloads)
    assert (first["logger"], first["message"]) == ("a.b", "failed")
    assert first["exception"].count("\n") == 2
    assert second == {"level": "INFO", "logger": "a", "message": "b\nc"}


def test_a_stack_trace_is_joined_to_its_line() -> None:
    """In a file; a line with a time begins the next record."""
    lines = [
        b"2026-05-17 10:05:03,1 ERROR app: failed",
        b"Traceback (most recent call last):",
        b'  File "x.py", line 1, in f',
        b"ValueError: no",
        b"2026-05-17 10:05:04,1 INFO app: went on",
    ]
    reading = Reading(format="app", zone="UTC")
    found = [record.original for record in records(lines, reading)]
    first, second = (json.loads(p or b"") for p in messages(found, reading).payloads)
    assert (first["message"], first["exception"].count("\n")) == ("failed", 2)
    assert (second["message"], "exception" in second) == ("went on", False)
