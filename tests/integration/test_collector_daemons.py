"""syslog-ng, rsyslog and nginx by their snippets, where Debian's packages of them are installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from support.produced import values
from support.sending import TOKEN, events

from analytics.web.ingest.collectors import COLLECTORS, Address, Snippet, Target
from lakehouse.runtime.processes import end, free_port, spawn

PATIENCE_SECONDS = 60
MESSAGE = '<131>{at} h1 pay[12]: "{n}" fäiled'
pytestmark = pytest.mark.slow


def program(name: str) -> str:
    """The path of a program of Debian's; without it the test is skipped, and says what to do."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip(f"no {name} is installed: apt-get install it, with its module")
    return found


@contextmanager
def daemon(words: Sequence[str], folder: Path) -> Iterator[None]:
    """A program in the foreground, which ends with the test."""
    with (folder / "said").open("ab") as said:
        child = spawn([*words], subprocess.DEVNULL, said, {**os.environ})
    try:
        time.sleep(1)
        assert child.poll() is None, (folder / "said").read_text()
        yield
    finally:
        end(child, patience=10)


@contextmanager
def syslog_ng(folder: Path, source: str, snippet: str) -> Iterator[None]:
    """syslog-ng by a snippet and a source of the test, with its files in a folder of its own."""
    path = program("syslog-ng")
    folder.mkdir()
    own = snippet.replace("reliable(yes)", f'reliable(yes) dir("{folder}")')
    config = f"@version: 3.38\noptions {{ stats-freq(0); keep-hostname(yes); }};\n{source}\n{own}"
    (folder / "conf").write_text(config.replace("TOKEN", TOKEN))
    files = ["-f", str(folder / "conf"), "-R", str(folder / "persist"), "-p", str(folder / "pid")]
    with daemon([path, "-F", "--no-caps", *files, "-c", str(folder / "ctl")], folder):
        yield


def by_udp(port: int, numbers: Sequence[int]) -> None:
    """Sends messages of syslog."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for n in numbers:
            message = MESSAGE.format(at=f"May  1 11:59:{n:02}", n=n)
            sender.sendto(message.encode(), ("127.0.0.1", port))


def udp_source(name: str, port: int) -> str:
    """A source of syslog-ng that the test sends to."""
    return f'source {name} {{ network(ip("127.0.0.1") port({port}) transport("udp")); }};'


def text(file: str, target: Target) -> str:
    """A snippet for a target."""
    return Snippet(file, "", "").text(target)


def arrived(target: Target, count: int) -> list[dict[str, object]]:
    """The events of the topic, once there are so many."""
    until = time.monotonic() + PATIENCE_SECONDS
    while len(found := values(target.kafka, target.topic)) < count:
        assert time.monotonic() < until
        time.sleep(0.2)
    return events([value or b"" for value in found])


def by_message(found: list[dict[str, object]]) -> list[tuple[object, ...]]:
    """What a message of syslog became: message, service, host, level, whose time it has."""
    names = ("service", "host", "level", "time_from")
    return sorted((str(one["message"]).strip(), *(one[name] for name in names)) for one in found)


def expected(numbers: Sequence[int]) -> list[tuple[object, ...]]:
    """The same of each message that was sent, once."""
    return [(f'"{n}" fäiled', "pay", "h1", "ERROR", "event") for n in numbers]


def test_syslog_ng_sends(target: Target, tmp_path: Path) -> None:
    """What a device says by UDP is an event of the program that it names."""
    port, numbers = free_port(), range(10, 20)
    snippet = text("syslog-ng.conf", target)
    with syslog_ng(tmp_path / "sng", udp_source("s_src", port), snippet):
        by_udp(port, numbers)
        assert by_message(arrived(target, len(numbers))) == expected(numbers)


def test_nginx_sends_by_syslog_ng(target: Target, tmp_path: Path) -> None:
    """A request is an event with its path, status and time to answer, whatever is in its agent."""
    nginx, port, web = program("nginx"), free_port(), free_port()
    own = {"5140": str(port)}
    snippet = text("nginx-syslog-ng.conf", target).replace("5140", own["5140"])
    log = text("nginx.conf", target).replace("5140", own["5140"])
    folder = tmp_path / "nginx"
    folder.mkdir()
    server = f"server {{ listen 127.0.0.1:{web}; location / {{ return 404 no; }} }}"
    temporary = "".join(
        f"{name}_temp_path {folder}/{name}; "
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    head = f"daemon off; pid {folder}/pid; error_log {folder}/error; events {{ }}\n"
    (folder / "conf").write_text(f"{head}http {{ {temporary}\n{log}\n{server} }}\n")
    with (
        syslog_ng(tmp_path / "sng", "", snippet),
        daemon([nginx, "-c", str(folder / "conf")], folder),
    ):
        agent = 'a "quoted" \\ agent'
        url = f"http://127.0.0.1:{web}/items/7?q=%22"
        assert httpx.get(url, headers={"user-agent": agent}).status_code == 404
        (event,) = arrived(target, 1)
    named = ("service", "method", "path", "endpoint", "status_code", "user_agent", "ip")
    assert [event[name] for name in named] == [
        "cart",
        "GET",
        "/items/7?q=%22",
        "/items/{id}",
        404,
        agent,
        "127.0.0.1",
    ]
    assert event["response_time"] is not None


class Busy(BaseHTTPRequestHandler):
    """Takes every third body only, and tells who sends the others to come again."""

    taken: list[bytes]
    asked: list[int]

    def do_POST(self) -> None:
        """Answers 429, 503, 200 in turn."""
        body = self.rfile.read(int(self.headers["content-length"]))
        status = (429, 503, 200)[len(self.asked) % 3]
        self.asked.append(status)
        if status == 200:
            self.taken.extend(body.splitlines())
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        """Nothing."""


def test_syslog_ng_drops_nothing_that_it_is_to_send_again(tmp_path: Path) -> None:
    """429 and 503 are no loss: all lines are taken in the end, once."""
    port, numbers = free_port(), range(10, 40)
    handler = type("Handler", (Busy,), {"taken": [], "asked": []})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        to = Target(Address("127.0.0.1", server.server_port), "cart", "", "")
        snippet = text("syslog-ng.conf", to)
        with syslog_ng(tmp_path / "sng", udp_source("s_src", port), snippet):
            by_udp(port, numbers)
            until = time.monotonic() + PATIENCE_SECONDS
            while len(handler.taken) < len(numbers):
                assert time.monotonic() < until, handler.asked
                time.sleep(0.2)
        server.shutdown()
    assert {429, 503} <= {*handler.asked}
    assert len(handler.taken) == len({*handler.taken}) == len(numbers)


def test_rsyslog_sends_by_kafka(target: Target, tmp_path: Path) -> None:
    """Debian's rsyslog has no omhttp: what it writes to the topic are events all the same."""
    path, port, numbers = program("rsyslogd"), free_port(), range(10, 20)
    snippet = text("rsyslog-omkafka.conf", target).replace("/var/spool/rsyslog", str(tmp_path))
    config = (
        f'global(workDirectory="{tmp_path}")\nmodule(load="imudp")\n'
        f'input(type="imudp" address="127.0.0.1" port="{port}")\n{snippet}\n'
    )
    (tmp_path / "conf").write_text(config)
    words = [path, "-n", "-f", str(tmp_path / "conf"), "-i", str(tmp_path / "pid")]
    with daemon(words, tmp_path):
        by_udp(port, numbers)
        assert by_message(arrived(target, len(numbers))) == expected(numbers)


def test_rsyslog_with_omhttp_is_led_here() -> None:
    """No package of Debian 12 has it: its server, path, header and codes are read here."""
    to = Target(Address("192.0.2.7", 4999, tls=True), "cart", "", "")
    words = text("rsyslog-omhttp.conf", to)
    for word in (
        'server="192.0.2.7" serverport="4999" usehttps="on" restpath="ingest/cart"',
        'httpheaderkey="Authorization" httpheadervalue="Bearer TOKEN"',
        'httpretrycodes=["429", "500", "502", "503", "504"] action.resumeRetryCount="-1"',
    ):
        assert word in words
    assert COLLECTORS["rsyslog"].snippets[0].file == "rsyslog-omhttp.conf"
