"""Collectors, and what to write into each so that it sends to the gateway.

The texts are the templates in `snippets`; the page, the README and the tests all take them here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from lakehouse.http.hosts import Hosts, is_loopback
from lakehouse.runtime.processes import local
from lakehouse.settings import Gateway

SNIPPETS = Path(__file__).with_name("snippets")
# As the gateway takes it in `/ingest/SOURCE`: no letter of it needs an escape in any snippet.
SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class Address:
    """Where senders reach the gateway; `host` has brackets if it is an IPv6 address."""

    host: str
    port: int
    tls: bool = False

    @classmethod
    def of(cls, gateway: Gateway, header: str = "") -> Address:
        """Returns the address by the settings, under the name in a `Host` header if it has that."""
        return cls(_host(gateway, header), gateway.port, bool(gateway.tls_cert))

    def __str__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"


@dataclass(frozen=True)
class Target:
    """What a snippet is made for: who sends, and where to; `kafka` for what sends there itself."""

    gateway: Address
    source: str
    kafka: str
    topic: str


@dataclass(frozen=True)
class Snippet:
    """A text to paste: its template, its language, and where it belongs."""

    file: str
    language: str
    into: str

    def text(self, target: Target) -> str:
        """Returns the text for a target."""
        gateway = target.gateway
        more = {"host": gateway.host, "port": gateway.port, "tls": gateway.tls}
        return TEMPLATES.get_template(f"{self.file}.jinja").render(vars(target) | more)


@dataclass(frozen=True)
class Collector:
    """A program that sends, its snippets, and what to know about them, in Markdown."""

    name: str
    title: str
    snippets: tuple[Snippet, ...]
    note: str


TEMPLATES = Environment(
    loader=FileSystemLoader(SNIPPETS), undefined=StrictUndefined, trim_blocks=True
)
COLLECTORS = {
    one.name: one
    for one in (
        Collector(
            "curl",
            "curl",
            (
                Snippet("curl.sh", "sh", "a terminal: one record"),
                Snippet("curl-file.sh", "sh", "a terminal: a whole log, packed"),
            ),
            "Lines of JSON, or with `?format=NAME` of any format that logpond reads. It tries "
            "again on 429 and 503.",
        ),
        Collector(
            "opentelemetry",
            "OpenTelemetry Collector",
            (Snippet("collector.yaml", "yaml", "/etc/otelcol-contrib/config.yaml"),),
            "OTLP over HTTP. Its queue is on disk, so that a restart loses nothing. A receiver "
            "`otlp` in the same pipeline takes what applications send. Before version 0.144 the "
            "exporter is called `otlphttp`.",
        ),
        Collector(
            "python",
            "Python logging",
            (Snippet("python.py", "python", "your program, as it starts"),),
            "OTLP over HTTP, by `opentelemetry-sdk` and `opentelemetry-exporter-otlp-proto-http`. "
            "It sends in the background, and what is left as the program ends.",
        ),
        Collector(
            "fluent-bit",
            "Fluent Bit",
            (Snippet("fluent-bit.yaml", "yaml", "/etc/fluent-bit/fluent-bit.yaml"),),
            "JSON lines. Without `retry_limit: no_limits` it gives a chunk up at the second try.",
        ),
        Collector(
            "vector",
            "Vector",
            (Snippet("vector.toml", "toml", "/etc/vector/vector.toml"),),
            "JSON lines. It tries again until they are taken, and waits on disk meanwhile. Write "
            "the token into the file `/etc/vector/secrets/token`: as of version 0.57 it reads no "
            "variables of the environment.",
        ),
        Collector(
            "elastic",
            "Filebeat and Logstash",
            (
                Snippet("filebeat.yml", "yaml", "Filebeat: /etc/filebeat/filebeat.yml"),
                Snippet("logstash.conf", "text", "Logstash: /etc/logstash/conf.d/logpond.conf"),
            ),
            "Bulk requests, as to Elasticsearch; the token is the password. So does whatever else "
            "sends to Elasticsearch.",
        ),
        Collector(
            "nginx",
            "nginx",
            (
                Snippet("nginx.conf", "nginx", "nginx: /etc/nginx/conf.d/logpond.conf"),
                Snippet(
                    "nginx-syslog-ng.conf", "text", "syslog-ng: /etc/syslog-ng/conf.d/nginx.conf"
                ),
            ),
            "nginx writes JSON to syslog, by UDP to this machine; syslog-ng keeps it on disk and "
            "sends it on. A line that is no JSON ends in quarantine.",
        ),
        Collector(
            "syslog-ng",
            "syslog-ng",
            (Snippet("syslog-ng.conf", "text", "/etc/syslog-ng/conf.d/logpond.conf"),),
            "JSON lines, each of the service that its program names; version 3.38 or newer, with "
            "`syslog-ng-mod-http`. Without `response-action` it drops what is answered with 429.",
        ),
        Collector(
            "rsyslog",
            "rsyslog",
            (
                Snippet("rsyslog-omhttp.conf", "text", "/etc/rsyslog.d/60-logpond.conf"),
                Snippet(
                    "rsyslog-omkafka.conf", "text", "without omhttp: /etc/rsyslog.d/60-logpond.conf"
                ),
            ),
            "`omhttp` sends a request a message; version 8.2310 or newer, of rsyslog's packages. "
            "Debian 12 has none: there `rsyslog-kafka` writes to the gateway's topic itself, and "
            "needs no token; where Kafka asks for one, `confParam` takes what librdkafka does. Do "
            "not take `omelasticsearch`: it drops what is answered with 429 or 503.",
        ),
    )
}


def _host(gateway: Gateway, header: str) -> str:
    """Returns the name that senders use: one that the gateway answers to, whatever was asked."""
    hosts = Hosts.of(gateway.host, gateway.hosts)
    if not (hosts.any_address or is_loopback(gateway.host)):
        return local(gateway.host)
    listed = gateway.hosts.partition(",")[0].strip()
    return hosts.name(header) or listed or local(gateway.host)
