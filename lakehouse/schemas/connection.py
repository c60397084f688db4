"""How a program reaches the schema registry: one value, whose secret is in no text of it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import SecretStr

from lakehouse.errors import SettingsError
from lakehouse.secret_files import secret as secret_of
from lakehouse.settings import Registry

NONE = SecretStr("")


@dataclass(frozen=True)
class RegistryConnection:
    """Where a registry answers, and how to sign in there. It is sent to executors, whose files of
    certificates lie at the same places."""

    urls: tuple[str, ...]
    user: str = ""
    password: SecretStr = NONE
    ca: str = ""
    certificate: str = ""
    key: str = ""
    timeout_seconds: float = 5.0
    hold_seconds: float = 20.0
    schema_bytes: int = 1 << 20

    @classmethod
    def of(cls, registry: Registry) -> RegistryConnection | None:
        """Returns the connection that settings describe, None where there is none; files are read.

        Raises SettingsError, which lists every fault.
        """
        faults: list[str] = []
        password = secret_of("registry.password", registry.password, registry.password_file, faults)
        connection = cls(
            urls=tuple(filter(None, registry.url.split(","))),
            user=registry.user,
            password=password,
            ca=registry.ca_file,
            certificate=registry.certificate_file,
            key=registry.key_file,
            timeout_seconds=registry.timeout_seconds,
            hold_seconds=registry.hold_seconds,
            schema_bytes=registry.schema_kb << 10,
        )
        faults += connection._faults()
        if faults:
            raise SettingsError(
                "the connection to the schema registry does not fit:\n    " + "\n    ".join(faults),
                'see "Avro, Protobuf and JSON Schema" in docs/sources.md',
            )
        return connection if connection.urls else None

    def __str__(self) -> str:
        """Returns where it answers, as error texts name it."""
        return ",".join(self.urls)

    @property
    def shows_its_password(self) -> bool:
        """Whether whoever is on the way can read it."""
        return bool(self.user) and any(url.startswith("http:") for url in self.urls)

    def context(self) -> ssl.SSLContext:
        """Returns what its certificate is checked by."""
        context = ssl.create_default_context(cafile=self.ca or None)
        if self.certificate:
            # a password, so that OpenSSL does not ask a terminal for one
            context.load_cert_chain(self.certificate, self.key, password="")
        return context

    def _faults(self) -> Iterator[str]:
        secret = self.password.get_secret_value()
        if bool(self.user) != bool(secret):
            yield (
                "registry.user and its password belong together: give the password as "
                "LOGPOND_REGISTRY_PASSWORD, or in a file that registry.password_file names"
            )
        if ":" in self.user:
            yield "registry.user has a colon in it"
        if bool(self.certificate) != bool(self.key):
            yield "registry.certificate_file and registry.key_file belong together"
            return
        try:
            self.context()
        except OSError as error:  # which ssl.SSLError is
            names = ", ".join(filter(None, (self.ca, self.certificate, self.key)))
            why = error.strerror if type(error) is not ssl.SSLError else "no certificate and key"
            yield f"registry.ca_file, certificate_file, key_file: {names}: {why}; they must be PEM"
