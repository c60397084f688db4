"""A broker as companies run it: TLS with an authority of its own, SCRAM, and rights by topic.

Beside its secured listener it has the embedded broker's own, on which everything is allowed.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pydantic import SecretStr

from cli.stack.broker import Broker
from lakehouse.runtime import kafka, processes
from lakehouse.runtime.kafka import Topic
from lakehouse.runtime.kafka_connection import Connection

PROPERTIES = """
listeners=PLAINTEXT://127.0.0.1:{open},SASL_SSL://127.0.0.1:{sasl},SSL://127.0.0.1:{ssl},\
EXPIRED://127.0.0.1:{expired},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{open},SASL_SSL://127.0.0.1:{sasl},\
SSL://127.0.0.1:{ssl},EXPIRED://127.0.0.1:{expired}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,EXPIRED:SSL,\
CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN,OAUTHBEARER
listener.name.sasl_ssl.oauthbearer.sasl.jaas.config=\
org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
listener.name.sasl_ssl.oauthbearer.sasl.server.callback.handler.class=\
org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler
listener.name.sasl_ssl.oauthbearer.sasl.oauthbearer.jwks.endpoint.url=file://{folder}/jwks.json
listener.name.sasl_ssl.plain.sasl.jaas.config=\
org.apache.kafka.common.security.plain.PlainLoginModule required user_plain="{password}";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
listener.name.ssl.ssl.client.auth=required
listener.name.expired.ssl.keystore.type=PEM
listener.name.expired.ssl.keystore.location={folder}/expired.pem
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""
# Of every user: with what a shell, TOML and Java each read in their own way.
PASSWORD = 'it\'s "quoted" \\ and long'


ALLOWED = "org.apache.kafka.sasl.oauthbearer.allowed.urls"


class Authority:
    """Certificates in a folder: `ca.pem`, and of each name NAME.crt, NAME.key, NAME.pem (both)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=authority"]
        self._openssl(*words, "-days", "30", "-keyout", "ca.key", "-out", "ca.pem")

    def sign(self, name: str, address: str = "IP:127.0.0.1", *validity: str) -> Path:
        """Makes a certificate of a name for an address; `validity` is of `openssl x509`."""
        words = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}"]
        self._openssl(*words, "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (self.folder / "extensions").write_text(f"subjectAltName={address}\n")
        words = ["x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key"]
        more = ["-CAcreateserial", "-extfile", "extensions", "-out", f"{name}.crt"]
        self._openssl(*words, *more, *(validity or ("-days", "30")))
        both = [(self.folder / f"{name}.{kind}").read_text() for kind in ("key", "crt")]
        (self.folder / f"{name}.pem").write_text("".join(both))
        return self.folder / f"{name}.pem"

    def publish_key(self) -> None:
        """Writes the key that tokens are checked with, `jwks.json`."""
        said = self._openssl("rsa", "-in", "ca.key", "-noout", "-modulus").stdout
        number = bytes.fromhex(said.decode().partition("=")[2].strip())
        key = {"kty": "RSA", "kid": "one", "alg": "RS256", "n": _encoded(number), "e": "AQAB"}
        (self.folder / "jwks.json").write_text(json.dumps({"keys": [key]}))

    def token(self, user: str) -> str:
        """A signed token by which a broker knows a user for five minutes."""
        now = int(time.time())
        head = {"alg": "RS256", "kid": "one", "typ": "JWT"}
        claims = {"sub": user, "iat": now, "exp": now + 300, "scope": "kafka"}
        text = ".".join(_encoded(json.dumps(part).encode()) for part in (head, claims))
        signed = self._openssl("dgst", "-sha256", "-sign", "ca.key", given=text.encode()).stdout
        return f"{text}.{_encoded(signed)}"

    def older(self, name: str) -> Path:
        """The key of a name in the form of before PKCS#8."""
        self._openssl("rsa", "-in", f"{name}.key", "-traditional", "-out", f"{name}.old")
        return self.folder / f"{name}.old"

    def _openssl(self, *words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = ["openssl", *words]
        return subprocess.run(
            command, cwd=self.folder, check=True, capture_output=True, input=given
        )


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@contextmanager
def tokens(authority: Authority) -> Iterator[str]:
    """A server that gives tokens to clients who know `PASSWORD`; where it is."""

    class Tokens(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            given = base64.b64decode(self.headers["Authorization"].partition(" ")[2]).decode()
            user, _, password = given.partition(":")
            is_known = password == PASSWORD
            answer = {"access_token": authority.token(user), "token_type": "bearer"}
            self.send_response(200 if is_known else 401)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            said = {**answer, "expires_in": 300} if is_known else {"error": "invalid_client"}
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Tokens)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/token"
    finally:
        server.shutdown()


class SecuredBroker(Broker):
    """An embedded broker that also listens by SASL_SSL, and by SSL for certificates of clients.

    At `expired` its certificate is over.
    """

    def __init__(self, data: str) -> None:
        super().__init__(data)
        folder = Path(data) / "certificates"
        folder.mkdir(parents=True)
        self.authority = Authority(folder)
        self.authority.sign("broker")
        self.authority.publish_key()
        self.authority.sign("client")
        self.authority.sign("expired", "IP:127.0.0.1", "-days", "-1")
        self.sasl, self.ssl, self.expired = (processes.free_port() for _ in range(3))

    def _launch(self) -> None:
        allowed = f"-D{ALLOWED}=file://{self.authority.folder}/jwks.json"
        before = os.environ.get("JDK_JAVA_OPTIONS", "")
        os.environ["JDK_JAVA_OPTIONS"] = f"{before} {allowed}"
        try:
            super()._launch()
        finally:
            os.environ["JDK_JAVA_OPTIONS"] = before

    def _configure(self, logs: Path) -> Path:
        config = super()._configure(logs)
        text = config.read_text()
        own = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        controller = own["controller.quorum.voters"].rpartition(":")[2]
        quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"').replace("\\", "\\\\")
        more = PROPERTIES.format(
            open=self.port,
            sasl=self.sasl,
            ssl=self.ssl,
            expired=self.expired,
            controller=controller,
            folder=self.authority.folder,
            password=quoted,
        )
        config.write_text(text + more)
        return config

    def add_user(self, name: str) -> None:
        """Makes a user whose password is `PASSWORD`, by SCRAM-SHA-512."""
        add_user(self.connection, name)

    def allow(self, user: str, topic: str, *operations: str) -> None:
        """Gives a user rights on a topic, as `READ`, and nothing else."""
        allow(self.connection, user, topic, *operations)

    def forbid(self, user: str) -> None:
        """Takes every right from a user."""
        from confluent_kafka import admin

        client = admin.AdminClient(self.connection.client())
        every = admin.AclBindingFilter(
            admin.ResourceType.ANY,
            None,
            admin.ResourcePatternType.ANY,
            f"User:{user}",
            None,
            admin.AclOperation.ANY,
            admin.AclPermissionType.ANY,
        )
        for answer in client.delete_acls([every]).values():
            answer.result(10)

    def variables(self, user: str, **more: str) -> dict[str, str]:
        """The environment of a program that signs in as a user."""
        return {
            "LOGPOND_KAFKA_BOOTSTRAP": f"127.0.0.1:{self.sasl}",
            "LOGPOND_KAFKA_PROTOCOL": "SASL_SSL",
            "LOGPOND_KAFKA_USER": user,
            "LOGPOND_KAFKA_PASSWORD": PASSWORD,
            "LOGPOND_KAFKA_CA_FILE": str(self.authority.folder / "ca.pem"),
            **more,
        }

    def signed_in(self, user: str) -> Connection:
        """The connection of a user."""
        return Connection(
            f"127.0.0.1:{self.sasl}",
            "SASL_SSL",
            "SCRAM-SHA-512",
            user,
            SecretStr(PASSWORD),
            str(self.authority.folder / "ca.pem"),
        )

    def by_certificate(self, name: str) -> Connection:
        """The connection of a program with a certificate."""
        folder = self.authority.folder
        files = {"certificate": str(folder / f"{name}.crt"), "key": str(folder / f"{name}.key")}
        return Connection(f"127.0.0.1:{self.ssl}", "SSL", ca=str(folder / "ca.pem"), **files)

    def topic(self, name: str) -> Topic:
        """A topic that two users may use: `sender` sends to it, and `reader` reads it."""
        made = kafka.create(self.connection, name, partitions=2)
        self.allow("sender", name, "WRITE")
        self.allow("reader", name, "READ")
        return made


def add_user(connection: Connection, name: str) -> None:
    """Makes a user whose password is `PASSWORD`, by SCRAM-SHA-512, at a broker that lets us."""
    from confluent_kafka import admin

    client = admin.AdminClient(connection.client())
    how = admin.ScramCredentialInfo(admin.ScramMechanism.SCRAM_SHA_512, 4096)
    user = admin.UserScramCredentialUpsertion(name, how, PASSWORD.encode())
    for answer in client.alter_user_scram_credentials([user]).values():
        answer.result(10)


def allow(connection: Connection, user: str, topic: str, *operations: str) -> None:
    """Gives a user rights on a topic, as `READ`, and nothing else."""
    from confluent_kafka import admin

    client = admin.AdminClient(connection.client())
    literal = admin.ResourcePatternType.LITERAL
    rights = [
        admin.AclBinding(
            admin.ResourceType.TOPIC,
            topic,
            literal,
            f"User:{user}",
            "*",
            admin.AclOperation[operation],
            admin.AclPermissionType.ALLOW,
        )
        for operation in operations
    ]
    for answer in client.create_acls(rights).values():
        answer.result(10)


def logpond(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command as a process, with what it says."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *words],
        capture_output=True,
        text=True,
        timeout=250,
        env={**os.environ, **environment},
    )
