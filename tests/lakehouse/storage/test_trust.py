"""A store whose certificate is of an authority of one's own: trusted where that is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import streams
from support.bucket import Bucket
from support.bucket_proxy import BucketProxy
from support.messages import send
from support.records import message
from support.secured import Authority

from cli.stack.broker import Broker
from lakehouse.errors import SettingsError, StorageError
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.runtime.kafka import Topic
from lakehouse.settings import Storage as Section
from lakehouse.storage import Storage, reach, trust
from lakehouse.store import objects


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that nobody knows, and a certificate of it."""
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.sign("store")
    return made


@pytest.fixture
def store(
    bucket: Bucket, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BucketProxy]:
    """The bucket, by TLS."""
    files = authority.folder / "store.crt", authority.folder / "store.key"
    with BucketProxy(bucket.server.endpoint, files) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.endpoint)
        monkeypatch.delenv("AWS_ALLOW_HTTP")
        reach.answered.clear()
        yield running


def trusting(authority: Authority) -> Storage:
    """What settings say that name the authority."""
    return Storage.of(Section(ca_file=str(authority.folder / "ca.pem")))


@pytest.mark.slow
def test_a_certificate_of_nobody_is_said(store: BucketProxy, bucket: Bucket) -> None:
    """In a sentence that names the setting."""
    with pytest.raises(StorageError, match=r"(?s)not trusted here.*ca_file"):
        objects.store(bucket.url)


@pytest.mark.slow
def test_objects_and_tables_are_reached(
    store: BucketProxy, bucket: Bucket, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where its authority is named."""
    for name, value in trusting(authority).environment().items():
        monkeypatch.setenv(name, value)
    at = objects.store(bucket.url)
    objects.put(at, "a", b"b")
    assert objects.get(at, "a") == b"b"


def test_those_of_the_machine_are_trusted_too(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a process that is started with them makes no new file."""
    other = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(other.folder / "ca.pem"))
    trust.bundle.cache_clear()
    found = trusting(authority).environment()["SSL_CERT_FILE"]
    trust.bundle.cache_clear()
    text = Path(found).read_text()
    monkeypatch.setenv("SSL_CERT_FILE", found)

    assert trusting(authority).environment()["SSL_CERT_FILE"] == found
    assert all((each.folder / "ca.pem").read_text() in text for each in (other, authority))
    assert "SSL_CERT_FILE" not in str(trusting(authority).executors())


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe", b"no certificate"])
def test_what_is_no_certificate_is_said(tmp_path: Path, content: bytes | None) -> None:
    """With the name of the setting."""
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"storage\.ca_file: .*ca\.pem"):
        Storage.of(Section(ca_file=str(file)))


@pytest.mark.nightly
@pytest.mark.spark
def test_a_stream_by_tls(
    store: BucketProxy,
    bucket: Bucket,
    authority: Authority,
    broker: Broker,
    topic: Topic,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Spark's connector, its workers and ours."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOGPOND_STORAGE_CA_FILE", str(authority.folder / "ca.pem"))
    sent = send(broker.bootstrap, topic.name, [message()] * 10)
    asked = streams.settings(broker.bootstrap, topic.name, bucket.url)  # type: ignore[arg-type]
    with streams.running(asked, "--once") as stream:
        said, _ = stream.communicate(timeout=240)
    for name, value in trusting(authority).environment().items():
        monkeypatch.setenv(name, value)
    assert stream.returncode == 0, said
    assert verify(Places.of(asked)).records == sent
