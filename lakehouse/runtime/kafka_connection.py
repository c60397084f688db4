"""How every program of ours reaches Kafka: one value, said to librdkafka and to Java's client.

No other module names a client's settings for it. A secret is in no text of it: not in `repr`, not
in an option of Spark, which shows its options, and not in a command, which all can read.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from lakehouse.errors import SettingsError
from lakehouse.secret_files import secret as secret_of
from lakehouse.settings import Kafka

NONE = SecretStr("")
# Java's client takes what is secret from the environment of its own process.
ENVIRONMENT = {
    "kafka.config.providers": "env",
    "kafka.config.providers.env.class": (
        "org.apache.kafka.common.config.provider.EnvVarConfigProvider"
    ),
}
MODULES = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "OAUTHBEARER": "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule",
}
# What a connection says itself, and what would show a secret.
OWN = re.compile(
    r"bootstrap|security\.protocol|sasl\.(mechanism|user|pass|jaas|login|oauth)"
    r"|ssl\.(ca|cert|key|trust)"
    r"|config\.providers|password|secret|error_cb"
)
TOKENS = "OAUTHBEARER"
TOKEN_HANDLER = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler"
PKCS8 = ("-----BEGIN PRIVATE KEY-----", "-----BEGIN ENCRYPTED PRIVATE KEY-----")


@dataclass(frozen=True)
class Connection:
    """Where Kafka answers (`HOST:PORT`, several with commas), and how to sign in there.

    It is sent to executors, whose files of certificates lie at the same places.
    """

    bootstrap: str
    protocol: str = "PLAINTEXT"
    mechanism: str = ""
    user: str = ""
    password: SecretStr = NONE
    ca: str = ""
    certificate: str = ""
    key: str = ""
    key_password: SecretStr = NONE
    token_url: str = ""
    token_scope: str = ""
    librdkafka: tuple[tuple[str, str], ...] = ()
    java: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, kafka: Kafka) -> Connection:
        """Returns the connection that settings describe; its files are read now.

        Raises SettingsError, which lists every fault.
        """
        faults: list[str] = []
        password = secret_of("kafka.password", kafka.password, kafka.password_file, faults)
        key_password = secret_of(
            "kafka.key_password", kafka.key_password, kafka.key_password_file, faults
        )
        connection = cls(
            bootstrap=kafka.bootstrap,
            protocol=kafka.protocol,
            mechanism=kafka.mechanism if kafka.protocol.startswith("SASL") else "",
            user=kafka.user,
            password=password,
            ca=kafka.ca_file,
            certificate=kafka.certificate_file,
            key=kafka.key_file,
            key_password=key_password,
            token_url=kafka.token_url,
            token_scope=kafka.token_scope,
            librdkafka=(*kafka.librdkafka.items(),),
            java=(*kafka.java.items(),),
        )
        faults += connection._faults()
        if faults:
            raise SettingsError(
                "the connection to Kafka does not fit:\n    " + "\n    ".join(faults),
                'see "Your own Kafka" in README.md',
            )
        return connection

    def __str__(self) -> str:
        """Returns where Kafka answers, as error texts name it."""
        return self.bootstrap

    @property
    def is_encrypted(self) -> bool:
        """Whether it is by TLS."""
        return self.protocol.endswith("SSL")

    @property
    def is_known(self) -> bool:
        """Whether brokers know who asks."""
        return bool(self.mechanism or self.certificate)

    def client(self) -> dict[str, Any]:
        """Returns the settings of a client of librdkafka, to which it adds its own."""
        given = {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": self.protocol,
            "sasl.mechanism": self.mechanism,
            **self._signing_in(),
            "ssl.ca.location": self.ca,
            "ssl.certificate.location": self.certificate,
            "ssl.key.location": self.key,
            "ssl.key.password": self.key_password.get_secret_value(),
        }
        return {
            **dict(self.librdkafka),
            **{name: value for name, value in given.items() if value},
        }

    def _signing_in(self) -> dict[str, str]:
        user, password = self.user, self.password.get_secret_value()
        if self.mechanism != TOKENS:
            return {"sasl.username": user, "sasl.password": password} if self.mechanism else {}
        return {
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.client.id": user,
            "sasl.oauthbearer.client.secret": password,
            "sasl.oauthbearer.token.endpoint.url": self.token_url,
            "sasl.oauthbearer.scope": self.token_scope,
        }

    def spark(self) -> dict[str, str]:
        """Returns the options of a source of Spark; secrets only name `environment` in them."""
        options = {
            **{f"kafka.{name}": value for name, value in self.java},
            "kafka.bootstrap.servers": self.bootstrap,
            "kafka.security.protocol": self.protocol,
        }
        if self.mechanism:
            options["kafka.sasl.mechanism"] = self.mechanism
        if self.mechanism == TOKENS:
            options["kafka.sasl.login.callback.handler.class"] = TOKEN_HANDLER
            options["kafka.sasl.oauthbearer.token.endpoint.url"] = self.token_url
        if self.ca:
            options |= {
                "kafka.ssl.truststore.type": "PEM",
                "kafka.ssl.truststore.location": self.ca,
            }
        if self.certificate:
            options["kafka.ssl.keystore.type"] = "PEM"
        secret = {f"kafka.{name}": f"${{env:{variable(name)}}}" for name in self._java_secrets()}
        return {**options, **(ENVIRONMENT if secret else {}), **secret}

    def environment(self) -> dict[str, str]:
        """Returns the variables that the JVM of such a source must be started with."""
        return {variable(name): value for name, value in self._java_secrets().items()}

    def _java_secrets(self) -> dict[str, str]:
        found = {}
        if self.mechanism:
            user, password = _quoted(self.user), _quoted(self.password.get_secret_value())
            given = f"username={user} password={password}"
            if self.mechanism == TOKENS:
                scope = f" scope={_quoted(self.token_scope)}" if self.token_scope else ""
                given = f"clientId={user} clientSecret={password}{scope}"
            found["sasl.jaas.config"] = f"{MODULES[self.mechanism]} required {given};"
        if self.certificate:
            found["ssl.keystore.certificate.chain"] = Path(self.certificate).read_text()
            found["ssl.keystore.key"] = Path(self.key).read_text()
        if self.key_password.get_secret_value():
            found["ssl.key.password"] = self.key_password.get_secret_value()
        return found

    def _faults(self) -> Iterator[str]:
        """Yields what does not go together, and what is wrong with the files."""
        password = self.password.get_secret_value()
        if self.mechanism and not (self.user and password):
            yield (
                f"kafka.protocol {self.protocol} signs in, and there is no "
                f"{'password' if self.user else 'kafka.user'}: "
                + (
                    "give it as LOGPOND_KAFKA_PASSWORD, or in a file that kafka.password_file names"
                    if self.user
                    else "name it"
                )
            )
        if not self.mechanism and (self.user or password):
            yield (
                f"kafka.user and its password are not sent by kafka.protocol {self.protocol}: "
                "take SASL_SSL or SASL_PLAINTEXT"
            )
        if bool(self.token_url) != (self.mechanism == TOKENS):
            yield "kafka.token_url and kafka.mechanism OAUTHBEARER belong together"
        yield from self._faults_of_files()
        yield from self._faults_of_more()

    def _faults_of_more(self) -> Iterator[str]:
        """Yields what is wrong with the further settings of the clients."""
        for kind, more in (("librdkafka", self.librdkafka), ("java", self.java)):
            own = [name for name, _ in more if OWN.search(name)]
            yield from (f"kafka.{kind}: {name} has a setting of its own in [kafka]" for name in own)
        if self.librdkafka:
            from confluent_kafka import KafkaException
            from confluent_kafka.admin import AdminClient

            try:
                AdminClient({**dict(self.librdkafka), "log_level": 0})
            except KafkaException as error:
                yield f"kafka.librdkafka: {error.args[0].str()}"

    def _faults_of_files(self) -> Iterator[str]:
        files = {"ca": self.ca, "certificate": self.certificate, "key": self.key}
        named = {f"kafka.{name}_file": file for name, file in files.items() if file}
        if named and not self.is_encrypted:
            yield (
                f"{', '.join(named)} are for TLS, and kafka.protocol is {self.protocol}: "
                "take SSL or SASL_SSL"
            )
        if bool(self.certificate) != bool(self.key):
            yield "kafka.certificate_file and kafka.key_file belong together: give both, or neither"
        unread = [f"{name}: {why}" for name, file in named.items() if (why := _unread(file))]
        yield from unread
        if not unread:
            yield from self._faults_of_certificates()

    def _faults_of_certificates(self) -> Iterator[str]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            if self.ca:
                context.load_verify_locations(self.ca)
        except ssl.SSLError:
            yield f"kafka.ca_file: {self.ca} has no certificate in it; it must be PEM"
        if not (self.certificate and self.key):
            return
        try:
            context.load_cert_chain(self.certificate, self.key, self.key_password.get_secret_value)
        except (ssl.SSLError, ValueError) as error:
            why = getattr(error, "reason", None) or "the password does not open it"
            yield (
                f"kafka.certificate_file, kafka.key_file: {self.certificate} and {self.key} are no "
                f"certificate and its key ({why}); both are PEM, kafka.key_password opens the key"
            )
        if not any(line in Path(self.key).read_text() for line in PKCS8):
            yield (
                f"kafka.key_file: {self.key} is no PKCS#8, which Spark's client needs: convert it "
                "by `openssl pkcs8 -topk8 -nocrypt -in OLD.key -out NEW.key`"
            )


def variable(name: str) -> str:
    """Returns the variable of the environment that holds a secret setting of Java's client."""
    return "KAFKA_CLIENT_" + name.replace(".", "_").upper()


def _unread(file: str) -> str:
    """Returns why a file cannot be read; empty where it can."""
    try:
        Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        return f"{file}: {getattr(error, 'strerror', None) or 'is no text'}"
    return ""


def _quoted(text: str) -> str:
    """Returns a value as Java's login modules read it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
