"""Settings of what others ask over HTTP: the pages, the gateway, and the bounds of both."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from lakehouse.setting_checks import check_key, check_networks, check_trace_url


class Section(BaseModel):
    """A part of the tree: no unknown names, no change after the start."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Web(Section):
    """The pages: where they are served, who may see them, what they may hold."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Where `logpond web` listens. Anywhere but on this machine alone everybody needs a token."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    """If the port is in use, another one is taken, and printed."""
    hosts: str = ""
    """More names by which browsers and programs reach it, separated by commas, without a port."""
    proxies: Annotated[str, AfterValidator(check_networks)] = ""
    """Addresses or networks (10.0.0.0/8) of proxies before it, separated by commas. What these say
    of whom they ask for, and by TLS or not (X-Forwarded-For, -Proto), is believed; everybody needs
    a token then.
    """
    token: Annotated[SecretStr, AfterValidator(check_key)] = SecretStr("")
    """Whoever asks must know it, once it is set: 16 letters at least. Better as LOGPOND_WEB_TOKEN
    than in this file, and better still none: `logpond token create` makes them.
    """
    session_hours: Annotated[float, Field(gt=0)] = 12.0
    """How long a browser stays signed in."""
    tls_cert: str = ""
    """A certificate as a PEM file: with its key, the pages are served by TLS."""
    tls_key: str = ""
    """The key of the certificate, a PEM file without a password."""
    memory_mb: Annotated[int, Field(ge=64)] = 160
    """What DuckDB may hold for all questions together; the process takes some 200 MB more."""
    trace_url: Annotated[str, AfterValidator(check_trace_url)] = ""
    """Where a trace can be seen as spans: "https://jaeger.example/trace/{trace_id}", or Tempo by a
    link of Grafana. Rows with a trace_id get a link there; the id is percent-encoded in it.
    """


class Gateway(Section):
    """The HTTP door: where it takes records, from whom, and how many at once."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Where `logpond gateway` listens. Anywhere but on this machine alone senders need a token."""
    port: Annotated[int, Field(ge=1, le=65535)] = 4318
    """The port that OTLP over HTTP is sent to everywhere."""
    hosts: str = ""
    """More names by which senders reach it, separated by commas, without a port."""
    topic: Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,249}$")] = "gateway-logs"
    """The topic of all records that are sent to no source of conf/sources.toml."""
    token: Annotated[SecretStr, AfterValidator(check_key)] = SecretStr("")
    """A token to send with: 16 letters at least. Better as LOGPOND_GATEWAY_TOKEN than in this file,
    and better still none: `logpond token create NAME --scope ingest` makes them.
    """
    tls_cert: str = ""
    """A certificate as a PEM file: with its key, records are taken by TLS."""
    tls_key: str = ""
    """The key of the certificate, a PEM file without a password."""
    body_mb: Annotated[int, Field(ge=1, le=64)] = 10
    """The largest body of a request, as it comes."""
    unpacked_mb: Annotated[int, Field(ge=1, le=64)] = 16
    """And once it is unpacked."""
    memory_mb: Annotated[int, Field(ge=16)] = 48
    """What bodies, packed and unpacked, and messages that Kafka has not acknowledged may take
    together; where a request does not fit now it gets 429. The messages of one request may take
    half of it, each counted with 300 bytes more; beyond that it gets 413. The process takes some
    200 MB more. At least `body_mb` and `unpacked_mb` together.
    """
    deadline_seconds: Annotated[float, Field(ge=1)] = 10.0
    """How long Kafka may take to acknowledge a record; then its sender gets 503."""

    @model_validator(mode="after")
    def _takes_one_request(self) -> Gateway:
        """Refuses a memory in which the largest request would never fit, and be told to retry."""
        least = max(2 * self.body_mb, self.body_mb + self.unpacked_mb)
        if self.memory_mb < least:
            raise ValueError(f"memory_mb must be at least {least} for bodies of that size")
        return self


class Postgres(Section):
    """The tables by PostgreSQL's protocol, for psql, Grafana, DBeaver, dbt and the like."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    """Where `logpond postgres` listens. Anywhere but on this machine alone everybody needs a token,
    as the password, and it has to be served by TLS.
    """
    port: Annotated[int, Field(ge=1, le=65535)] = 5433
    """If the port is in use, another one is taken, and printed."""
    tls_cert: str = ""
    """A certificate as a PEM file: with its key, clients may use TLS (`sslmode=require`)."""
    tls_key: str = ""
    """The key of the certificate, a PEM file without a password."""
    without_tls: bool = False
    """Listen for others without TLS as well: tokens and rows then cross the network as they are,
    which is right between containers, or behind a proxy of yours.
    """
    connections: Annotated[int, Field(ge=4)] = 64
    """The most clients at once, and at most a quarter of the files that the process may open."""
    questions: Annotated[int, Field(ge=1, le=32)] = 3
    """How many of them are answered at once; the next one waits 5 s, and is then refused. While a
    client reads its rows, or a cursor is idle, others are answered; four times as many may be open,
    and two times as many cursors.
    """
    seconds: Annotated[float, Field(gt=0)] = 300.0
    """How long an answer may take, until its last row is sent, and how long a cursor may be open; a
    session may ask for less by `SET statement_timeout`.
    """
    memory_mb: Annotated[int, Field(ge=64)] = 256
    """What DuckDB may hold for one open answer; the process takes some 250 MB more."""
    temp_mb: Annotated[int, Field(ge=0)] = 2048
    """What one question may put on disk meanwhile, in a folder of its own below TMPDIR."""


class Http(Section):
    """What a server of ours takes on at once, and how long it waits for whoever asks."""

    connections: Annotated[int, Field(ge=16)] = 256
    """The most open connections, and at most a quarter of the files that the process may open: a
    newer one takes the place of the one that waits longest without a request.
    """
    requests: Annotated[int, Field(ge=1, le=32)] = 24
    """The most requests that are answered at once. The next one gets 429 and may retry."""
    streams: Annotated[int, Field(ge=1)] = 64
    """The most live pages at once."""
    head_seconds: Annotated[float, Field(gt=0)] = 10.0
    """How long the head of a request may take, and how long a connection waits for the next one."""
    body_seconds: Annotated[float, Field(gt=0)] = 20.0
    """How long its body may take."""
    send_seconds: Annotated[float, Field(gt=0)] = 30.0
    """How long whoever asked may leave a piece of the answer before it is closed."""
