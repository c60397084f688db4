"""One connection, said to both clients; its secrets are in no text of it."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from support.code import FILES, name, text
from support.secured import PASSWORD, Authority

from lakehouse.errors import SettingsError
from lakehouse.runtime.kafka_connection import Connection
from lakehouse.settings import Kafka, load

SIGNED_IN = {"protocol": "SASL_SSL", "user": "lake"}
CHAIN = "KAFKA_CLIENT_SSL_KEYSTORE_CERTIFICATE_CHAIN"
ONE_PLACE = "lakehouse/runtime/kafka_connection.py"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One authority, and a certificate of a client."""
    made = Authority(tmp_path_factory.mktemp("certificates"))
    made.sign("client")
    return made


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A password in a file, as an editor leaves it."""
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    return file


def of(**settings: object) -> Connection:
    """The connection of these settings."""
    return Connection.of(Kafka.model_validate(settings))


def test_no_other_place_says_how_kafka_is_reached() -> None:
    """Every client of ours takes its settings from there."""
    words = ("bootstrap.servers", "security.protocol", "sasl.", "ssl.ca", "jaas")
    naming = {name(file) for file in FILES if any(f'"{word}' in text(file) for word in words)}
    assert naming == {ONE_PLACE}


def test_without_settings_it_is_plain() -> None:
    """As the embedded broker is."""
    plain = Connection("localhost:9092")
    assert of() == plain
    assert plain.client() == {
        "bootstrap.servers": "localhost:9092",
        "security.protocol": "PLAINTEXT",
    }
    assert plain.environment() == {}


def test_both_clients_sign_in(authority: Authority, secret: Path) -> None:
    """The same user by the same mechanism, with the same certificates."""
    folder = authority.folder
    files = {"ca": "ca.pem", "certificate": "client.crt", "key": "client.key"}
    named = {f"{key}_file": str(folder / file) for key, file in files.items()}
    made = of(**SIGNED_IN, **named, password_file=str(secret))

    assert made.client() == {
        "bootstrap.servers": "localhost:9092",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "lake",
        "sasl.password": PASSWORD,
        "ssl.ca.location": str(folder / "ca.pem"),
        "ssl.certificate.location": str(folder / "client.crt"),
        "ssl.key.location": str(folder / "client.key"),
    }
    assert made.spark() == {
        "kafka.bootstrap.servers": "localhost:9092",
        "kafka.security.protocol": "SASL_SSL",
        "kafka.sasl.mechanism": "SCRAM-SHA-512",
        "kafka.ssl.truststore.type": "PEM",
        "kafka.ssl.truststore.location": str(folder / "ca.pem"),
        "kafka.ssl.keystore.type": "PEM",
        "kafka.config.providers": "env",
        "kafka.config.providers.env.class": (
            "org.apache.kafka.common.config.provider.EnvVarConfigProvider"
        ),
        "kafka.sasl.jaas.config": "${env:KAFKA_CLIENT_SASL_JAAS_CONFIG}",
        "kafka.ssl.keystore.certificate.chain": f"${{env:{CHAIN}}}",
        "kafka.ssl.keystore.key": "${env:KAFKA_CLIENT_SSL_KEYSTORE_KEY}",
    }
    assert made.environment() == {
        "KAFKA_CLIENT_SASL_JAAS_CONFIG": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required "
            'username="lake" password="it\'s \\"quoted\\" \\\\ and long";'
        ),
        CHAIN: (folder / "client.crt").read_text(),
        "KAFKA_CLIENT_SSL_KEYSTORE_KEY": (folder / "client.key").read_text(),
    }


def test_tokens_are_asked_for_by_both_clients() -> None:
    """By the client's id and secret, from the same server, for the same scope."""
    where = {"mechanism": "OAUTHBEARER", "token_url": "https://id/token", "token_scope": "kafka"}
    made = of(protocol="SASL_SSL", user="lake", password="known", **where)
    assert made.client() == {
        "bootstrap.servers": "localhost:9092",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.client.id": "lake",
        "sasl.oauthbearer.client.secret": "known",
        "sasl.oauthbearer.token.endpoint.url": "https://id/token",
        "sasl.oauthbearer.scope": "kafka",
    }
    assert made.spark()["kafka.sasl.oauthbearer.token.endpoint.url"] == "https://id/token"
    assert made.environment() == {
        "KAFKA_CLIENT_SASL_JAAS_CONFIG": (
            "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
            'clientId="lake" clientSecret="known" scope="kafka";'
        )
    }


def test_more_settings_go_to_their_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by its own names, and none in the place of ours."""
    monkeypatch.setenv("LOGPOND_KAFKA_LIBRDKAFKA", '{"client.id": "lake"}')
    monkeypatch.setenv("LOGPOND_KAFKA_JAVA", '{"client.dns.lookup": "use_all_dns_ips"}')
    made = Connection.of(load().kafka)
    assert made.client() == {**Connection("localhost:9092").client(), "client.id": "lake"}
    assert made.spark()["kafka.client.dns.lookup"] == "use_all_dns_ips"
    assert hash(made) == hash(pickle.loads(pickle.dumps(made)))


def test_no_text_of_it_shows_a_secret(secret: Path) -> None:
    """Not its own, not that of the settings; and executors get it whole."""
    asked = Kafka.model_validate({**SIGNED_IN, "password_file": str(secret)})
    given = Kafka.model_validate({**SIGNED_IN, "password": PASSWORD})
    made = Connection.of(asked)
    assert str(made) == "localhost:9092"
    texts = f"{made!r} {given!r} {made.spark()} {given.model_dump_json()}"
    assert "quoted" not in texts
    assert pickle.loads(pickle.dumps(made)) == made == Connection.of(given)
    assert len({made, Connection.of(given)}) == 1


def test_the_environment_gives_it(monkeypatch: pytest.MonkeyPatch, secret: Path) -> None:
    """Each setting by its variable, the password by that of its file."""
    monkeypatch.setenv("LOGPOND_KAFKA_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("LOGPOND_KAFKA_MECHANISM", "PLAIN")
    monkeypatch.setenv("LOGPOND_KAFKA_USER", "lake")
    monkeypatch.setenv("LOGPOND_KAFKA_PASSWORD_FILE", str(secret))
    made = Connection.of(load().kafka)
    assert (made.mechanism, made.user) == ("PLAIN", "lake")
    assert made.client()["sasl.password"] == PASSWORD


FAULTS = {
    "no password": (SIGNED_IN, "no password: give it as LOGPOND_KAFKA_PASSWORD, or in a file"),
    "no user": ({"protocol": "SASL_SSL", "password": "x"}, "there is no kafka.user"),
    "two passwords": ({**SIGNED_IN, "password": "x", "password_file": "/x"}, "both given"),
    "no such file": ({**SIGNED_IN, "password_file": "/nowhere"}, "/nowhere: No such file"),
    "an empty file": ({**SIGNED_IN, "password_file": "/dev/null"}, "/dev/null is empty"),
    "a line break": ({**SIGNED_IN, "password": "a\nb"}, "has a line break"),
    "a user nobody asks": ({"user": "lake"}, "not sent by kafka.protocol PLAINTEXT"),
    "TLS that is off": ({"ca_file": "/etc/hostname"}, "kafka.ca_file are for TLS"),
    "no authority": ({"protocol": "SSL", "ca_file": "/etc/hostname"}, "has no certificate in it"),
    "no server of tokens": (
        {**SIGNED_IN, "password": "x", "mechanism": "OAUTHBEARER"},
        "kafka.token_url and kafka.mechanism OAUTHBEARER belong together",
    ),
    "a setting twice": ({"librdkafka": {"sasl.password": "x"}}, "sasl.password has a setting of"),
    "a secret of Java": ({"java": {"ssl.keystore.password": "x"}}, "has a setting of its own"),
    "a setting that is none": ({"librdkafka": {"clent.id": "x"}}, '"clent.id"'),
    "half a pair": ({"protocol": "SSL", "key_file": "/etc/hostname"}, "belong together"),
    "no pair": (
        {"protocol": "SSL", "key_file": "/etc/hostname", "certificate_file": "/etc/hostname"},
        "are no certificate and its key",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_does_not_fit_is_said_before_kafka_is_asked(fault: str) -> None:
    """By the name of the setting, and never with a secret."""
    settings, said = FAULTS[fault]
    with pytest.raises(SettingsError, match="connection to Kafka does not fit") as refused:
        of(**settings)
    assert said in str(refused.value)


def test_an_unknown_mechanism_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """With those that there are."""
    monkeypatch.setenv("LOGPOND_KAFKA_MECHANISM", "SCRAM")
    with pytest.raises(SettingsError, match=r"LOGPOND_KAFKA_MECHANISM.*SCRAM-SHA-512"):
        load()


def test_a_key_that_java_cannot_read_is_refused(authority: Authority) -> None:
    """librdkafka could, so that only Spark would fail, after its start."""
    old = authority.older("client")
    files = {"certificate_file": str(authority.folder / "client.crt"), "key_file": str(old)}
    with pytest.raises(SettingsError, match=r"is no PKCS#8.*openssl pkcs8 -topk8"):
        of(protocol="SSL", **files)
