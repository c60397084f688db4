"""How the registry is reached is one value of the settings, whose faults are all said at once."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.registry import Served, posted, served
from support.secured import Authority

from lakehouse.errors import BrokerError, SettingsError
from lakehouse.formats.reading import Reading
from lakehouse.formats.schemas.lookup import AVRO
from lakehouse.schemas import client
from lakehouse.schemas.asked import at_start, is_asked
from lakehouse.schemas.client import NoAnswer
from lakehouse.schemas.connection import RegistryConnection
from lakehouse.settings import Registry, load

SECRET = 'it\'s "quoted": and long'
URL = "https://127.0.0.1:8081"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One authority, and certificates of a registry and of a client."""
    made = Authority(tmp_path_factory.mktemp("certificates"))
    made.sign("registry")
    made.sign("client")
    made.sign("expired", "IP:127.0.0.1", "-days", "-1")
    return made


@pytest.fixture
def secured(authority: Authority) -> Iterator[Served]:
    """A registry that asks for a certificate, and holds a schema."""
    context = ssl.create_default_context(
        ssl.Purpose.CLIENT_AUTH, cafile=authority.folder / "ca.pem"
    )
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(authority.folder / "registry.pem")
    with served(tls=context) as found:
        found.kept.add("a", posted("a"))
        yield found


def of(**given: Any) -> RegistryConnection | None:
    """The connection of these settings."""
    return RegistryConnection.of(Registry.model_validate(given))


def test_without_a_url_there_is_none() -> None:
    """Nobody needs one who reads no such records."""
    assert of() is None


def test_secrets_come_from_files_and_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Docker and Kubernetes give them; no text of the settings shows one."""
    (tmp_path / "secret").write_text(SECRET + "\n")
    found = of(url=URL, user="ann", password_file=str(tmp_path / "secret"))
    assert found
    assert found.password.get_secret_value() == SECRET
    monkeypatch.setenv("LOGPOND_REGISTRY_URL", URL)
    monkeypatch.setenv("LOGPOND_REGISTRY_USER", "ann")
    monkeypatch.setenv("LOGPOND_REGISTRY_PASSWORD", SECRET)
    settings = load()
    assert RegistryConnection.of(settings.registry) == found
    assert SECRET not in f"{settings!r} {settings} {found!r} {found}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"user": "ann"}, "belong together"),
        ({"password": SECRET}, "belong together"),
        ({"user": "a:b", "password": SECRET}, "colon"),
        ({"user": "ann", "password": "a\nb"}, "control character"),
        ({"user": "ann", "password_file": "/nowhere"}, "/nowhere: No such file"),
        ({"user": "ann", "password": SECRET, "password_file": __file__}, "both given"),
        ({"ca_file": "/nowhere"}, "/nowhere: No such file"),
        ({"ca_file": __file__}, "must be PEM"),
        ({"certificate_file": __file__}, "belong together"),
        ({"certificate_file": __file__, "key_file": __file__}, "must be PEM"),
    ],
)
def test_what_does_not_fit_is_said(given: dict[str, str], said: str) -> None:
    """In words, and without the password."""
    with pytest.raises(SettingsError, match=said) as error:
        of(url=URL, **given)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    "url", ["registry:8081", "ftp://a", "http://ann:secret@a:1", "http://", "http://a/?b=secret"]
)
def test_what_is_no_address_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, and without being shown: it may hold a secret."""
    monkeypatch.setenv("LOGPOND_REGISTRY_URL", url)
    with pytest.raises(SettingsError, match="registry") as error:
        load()
    assert "secret" not in str(error.value)


@pytest.mark.slow
def test_it_is_reached_by_tls_with_a_certificate(authority: Authority, secured: Served) -> None:
    """Both sides know each other; without, it says which is missing."""
    files = {name: str(authority.folder / name) for name in ("ca.pem", "client.crt", "client.key")}
    both = {"certificate_file": files["client.crt"], "key_file": files["client.key"]}
    known = of(url=secured.url, ca_file=files["ca.pem"], **both)
    assert known
    assert client.schema(known, 1, AVRO).text == "a"
    for given, said in (
        ({"ca_file": files["ca.pem"]}, "CERTIFICATE_REQUIRED|ask for a certificate|reached"),
        (both, "not trusted"),
    ):
        connection = of(url=secured.url, **given)
        assert connection
        with pytest.raises(NoAnswer, match=said):
            client.schema(connection, 1, AVRO)


def test_an_expired_certificate_says_so(authority: Authority) -> None:
    """That of the registry."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority.folder / "expired.pem")
    with served(tls=context) as found:
        connection = of(url=found.url, ca_file=str(authority.folder / "ca.pem"))
        assert connection
        with pytest.raises(NoAnswer, match="expired"):
            client.schema(connection, 1, AVRO)


def test_who_reads_such_records_needs_one_at_a_start() -> None:
    """A missing or refusing registry is a fault; one that is away is only said."""
    avro = Reading(format="avro")
    mixed = Reading(format="mixed", options={"formats": ["avro", "json"]})
    assert (is_asked([avro]), is_asked([mixed])) == (True, True)
    assert not is_asked([Reading(), Reading(format="json-schema")])
    assert at_start(Registry(), [Reading()]) == (None, "")
    with pytest.raises(SettingsError, match="none is set"):
        at_start(Registry(), [avro])
    away = Registry(url="http://127.0.0.1:1")
    connection, said = at_start(away, [avro])
    assert connection
    assert "cannot be reached" in said
    with served() as found:
        found.kept.user = ("ann", SECRET)
        with pytest.raises(BrokerError, match="refuses this user"):
            at_start(Registry(url=found.url), [avro])
