"""Settings of the schema registry: where it answers, how to sign in there, and its bounds."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from lakehouse.server_settings import Section


def check_urls(text: str) -> str:
    """Refuses what is no address of a registry; the refusal shows none, as it may hold a secret."""
    urls = [one.strip().rstrip("/") for one in text.split(",") if one.strip()]
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError("must be an http:// or https:// address, or several with commas")
        if parts.username is not None:
            raise ValueError("has a name in it: give it as registry.user")
        if parts.query or parts.fragment or not (url.isascii() and url.isprintable()):
            raise ValueError("is no address of a registry")
    return ",".join(urls)


class Registry(Section):
    """Who knows the schemas of Avro and Protobuf, by the number that each record has."""

    url: Annotated[str, AfterValidator(check_urls)] = ""
    """Where the schema registry answers, as Confluent's does: https://registry:8081. Several with
    commas are asked one after another.
    """
    user: str = ""
    """Who signs in there, where it wants to know."""
    password: SecretStr = SecretStr("")
    """The password of the user. Better as LOGPOND_REGISTRY_PASSWORD than in this file, and better
    still in a file of its own.
    """
    password_file: str = ""
    """The file that holds the password, as a secret of Docker: /run/secrets/registry."""
    ca_file: str = ""
    """The authorities (PEM) that sign its certificate. Empty: those of the machine."""
    certificate_file: str = ""
    """The certificate (PEM) that it knows this program by, where it asks for one."""
    key_file: str = ""
    """The key of the certificate, a PEM file without a password."""
    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 5.0
    """How long it may take to give a schema, with all that this one names."""
    hold_seconds: Annotated[float, Field(ge=0, le=600)] = 20.0
    """How long a batch waits for one that does not answer. Then its records go to quarantine, and
    `logpond replay-quarantine` takes them once it does; what comes behind waits a tenth of the
    time.
    """
    schema_kb: Annotated[int, Field(ge=1, le=16384)] = 1024
    """The largest schema, with all that it names. Records of a larger one go to quarantine."""
