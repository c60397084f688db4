"""How every program of ours reaches a bucket: one value, said to obstore, deltalake and Spark.

No other module names a client's settings for it. The keys go by the environment of a process, which
only its owner reads: not in an option of Spark, which shows its options, and not in a command.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import SecretStr

from lakehouse.errors import SettingsError
from lakehouse.secret_files import secret as secret_of
from lakehouse.storage import trust
from lakehouse.storage_settings import Storage as Section

NONE = SecretStr("")
# Where the environment says it, in the order in which AWS's own tools look.
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
ALLOWS_HTTP = "AWS_ALLOW_HTTP"
SOMEWHERE = "us-east-1"
# The class that asks the environment, a token of Kubernetes, and the role of the machine.
PROVIDER = "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
# `s3://` is read by the connector whose own name for it is `s3a://`.
CONNECTOR = {
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",
    "spark.hadoop.fs.AbstractFileSystem.s3.impl": "org.apache.hadoop.fs.s3a.S3A",
    "spark.hadoop.fs.s3a.aws.credentials.provider": PROVIDER,
    "spark.hadoop.fs.s3a.path.style.access": "true",
    "spark.hadoop.fs.s3a.input.stream.type": "classic",
    # small objects: they are held in memory until they are sent
    "spark.hadoop.fs.s3a.fast.upload.buffer": "bytebuffer",
    "spark.hadoop.fs.s3a.attempts.maximum": "5",
    "spark.hadoop.fs.s3a.retry.limit": "5",
}


@dataclass(frozen=True)
class Storage:
    """Where buckets answer, and who asks; without keys it is the role of the machine."""

    endpoint: str = ""
    region: str = ""
    access_key: SecretStr = NONE
    secret_key: SecretStr = NONE
    session_token: SecretStr = NONE
    timeout_seconds: float = 30.0
    connect_seconds: float = 5.0
    ca_file: str = ""

    @classmethod
    def of(cls, section: Section, environ: Mapping[str, str] = os.environ) -> Storage:
        """Returns what settings say, over what the environment says; files are read now.

        Raises SettingsError, which lists every fault.
        """
        faults: list[str] = []
        access, secret, token = (
            _key(name, given, file, faults)
            for name, given, file in (
                ("storage.access_key", section.access_key, section.access_key_file),
                ("storage.secret_key", section.secret_key, section.secret_key_file),
                ("storage.session_token", section.session_token, section.session_token_file),
            )
        )
        if bool(_text(access)) != bool(_text(secret)):
            faults.append("storage.access_key and storage.secret_key belong together: give both")
        if section.ca_file and (wrong := trust.fault(section.ca_file)):
            faults.append(f"storage.ca_file: {wrong}")
        if faults:
            listed = "\n    ".join(faults)
            remedy = "see docs/bucket.md"
            raise SettingsError(f"the connection to storage does not fit:\n    {listed}", remedy)
        if not _text(access):
            access, secret, token = (SecretStr(environ.get(name, "")) for name in KEYS)
        return cls(
            section.endpoint or _first(environ, ENDPOINTS),
            section.region or _first(environ, REGIONS),
            access,
            secret,
            token,
            section.timeout_seconds,
            section.connect_seconds,
            section.ca_file,
        )

    def environment(self) -> dict[str, str]:
        """Returns the variables by which obstore, deltalake and Spark's JVM reach it."""
        values = (_text(self.access_key), _text(self.secret_key), _text(self.session_token))
        found = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": self.region or (SOMEWHERE if self.endpoint else ""),
            ALLOWS_HTTP: "" if self.is_encrypted else "true",
            "AWS_TIMEOUT": f"{self.timeout_seconds:g}s",
            "AWS_CONNECT_TIMEOUT": f"{self.connect_seconds:g}s",
            **dict(zip(KEYS, values, strict=True)),
            trust.VARIABLE: trust.bundle(self.ca_file) if self.ca_file else "",
        }
        return {name: value for name, value in found.items() if value}

    def decided(self) -> tuple[str, ...]:
        """Returns the variables of which none may stay that `environment` does not name.

        Clients look for an endpoint under several names, and send a token with whatever keys.
        """
        of_endpoint = (*ENDPOINTS, ALLOWS_HTTP) if self.endpoint else ()
        return of_endpoint + (KEYS if _text(self.access_key) else ())

    def spark(self) -> dict[str, str]:
        """Returns properties of Spark; they hold no secret, which is in `environment`."""
        found = {
            "endpoint": self.endpoint,
            "endpoint.region": self.region or (SOMEWHERE if self.endpoint else ""),
            "connection.ssl.enabled": "true" if self.is_encrypted else "false",
            "connection.timeout": f"{self.timeout_seconds * 1000:.0f}ms",
            "connection.establish.timeout": f"{self.connect_seconds * 1000:.0f}ms",
        }
        named = {f"spark.hadoop.fs.s3a.{name}": value for name, value in found.items() if value}
        return {**CONNECTOR, **named}

    def executors(self, with_keys: bool = True) -> dict[str, str]:
        """Returns the properties that give `environment` to executors on other machines.

        Those with keys are to be set in a running JVM, never in a command. A file of this machine
        is not there: what they trust is in their image.
        """
        found = replace(self, ca_file="").environment()
        given = [name for name in found if with_keys or name not in KEYS]
        return {f"spark.executorEnv.{name}": found[name] for name in given}

    @property
    def is_encrypted(self) -> bool:
        """Whether it is by TLS."""
        return not self.endpoint.startswith("http://")

    @property
    def where(self) -> str:
        """Where it answers, as error texts name it."""
        return self.endpoint or f"Amazon S3 ({self.region or 'no region'})"


def publish(section: Section) -> None:
    """Has this process, and the children that it starts, reach buckets as settings say."""
    made = Storage.of(section)
    for name in made.decided():
        os.environ.pop(name, None)
    os.environ.update(made.environment())


def allows_http() -> bool:
    """Whether this process may reach a bucket without TLS."""
    return os.environ.get(ALLOWS_HTTP, "").lower() in ("1", "true")


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((environ[name] for name in names if environ.get(name)), "")


def _text(secret: SecretStr) -> str:
    return secret.get_secret_value()


def _key(name: str, given: SecretStr, file: str, faults: list[str]) -> SecretStr:
    """Returns a key, which goes into a header of each request."""
    found = secret_of(name, given, file, faults)
    if not _text(found).isascii() or " " in _text(found):
        faults.append(f"{name} has something else in it than letters, numbers and signs")
    return found
