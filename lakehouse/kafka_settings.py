"""Settings of Kafka: where it answers, how to sign in there, and the topics of our own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr

from lakehouse.server_settings import Section
from lakehouse.setting_checks import check_brokers


class Kafka(Section):
    """Where records come from, and how a program signs in there."""

    bootstrap: Annotated[str, AfterValidator(check_brokers)] = "localhost:9092"
    """Where Kafka answers. The default means the embedded broker, where the lake has one."""
    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How to talk to it: SSL encrypts, SASL signs in with a user and a password. SASL_PLAINTEXT
    shows both to whoever is on the way, where the mechanism is PLAIN.
    """
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = "SCRAM-SHA-512"
    """How the user signs in, where the protocol is of SASL."""
    user: str = ""
    """Who signs in; by OAUTHBEARER the id of a client, whose secret is the password."""
    password: SecretStr = SecretStr("")
    """The password of the user. Better as LOGPOND_KAFKA_PASSWORD than in this file, and better
    still in a file of its own.
    """
    password_file: str = ""
    """The file that holds the password, as a secret of Docker: /run/secrets/kafka."""
    token_url: str = ""
    """Where OAUTHBEARER gets its tokens (OpenID Connect, client credentials)."""
    token_scope: str = ""
    """What these tokens are asked for, where their server wants to know."""
    ca_file: str = ""
    """The authorities (PEM) that sign the certificates of the brokers. Empty: those of the machine.
    """
    certificate_file: str = ""
    """The certificate (PEM) that brokers know this program by, where they ask for one."""
    key_file: str = ""
    """The key of the certificate: a PEM file of PKCS#8 (`BEGIN PRIVATE KEY`)."""
    key_password: SecretStr = SecretStr("")
    """The password of the key, where it has one. Better as LOGPOND_KAFKA_KEY_PASSWORD."""
    key_password_file: str = ""
    """The file that holds the password of the key."""
    librdkafka: dict[str, str] = Field(default_factory=dict)
    """More settings of the client of all programs, by its own names and as text:
    { "client.dns.lookup" = "resolve_canonical_bootstrap_servers_only" }.
    """
    java: dict[str, str] = Field(default_factory=dict)
    """The same for the client of Spark, which plans the batches of the stream, by Java's names."""
    topic: Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,249}$")] = "web-logs"
    """The topic that requests are sent to, and that the source that names none reads."""
    app_topic: Annotated[str, Field(pattern=r"^[a-zA-Z0-9._-]{1,249}$")] = "app-logs"
    """The topic that the lines of the shop's applications are sent to (`produce --app-lines`)."""
    partitions: Annotated[int, Field(ge=1, le=1000)] = 4
    """Only when logpond makes the topic itself (the embedded broker)."""
    retention_hours: Annotated[int, Field(ge=1)] = 48
    """How long the embedded broker keeps records. What goes before ingest took it is lost."""
    retention_bytes: Annotated[int, Field(ge=1 << 20)] = 4 << 30
    """How many bytes of records it keeps a partition; the oldest go first."""
