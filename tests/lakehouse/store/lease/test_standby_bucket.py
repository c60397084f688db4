"""A standby says why its bucket does not answer, and ends where no waiting helps."""

from __future__ import annotations

import pytest
from support.bucket import Bucket

from lakehouse.errors import StorageError
from lakehouse.storage import reach
from lakehouse.store.lease.grant import Standby, StoppedWaiting
from lakehouse.store.lock import alone


@pytest.fixture(autouse=True)
def _answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The buckets were in order when the wait began."""
    monkeypatch.setattr(reach, "answered", {"s3://lake", "s3://nowhere"})


def test_keys_that_were_revoked_end_it(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the sentence of every command."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    standby = Standby(lambda: True, lambda _what: None)
    with (
        pytest.raises(StorageError, match="refuses the keys for s3://lake"),
        alone(bucket.url, "it", 1.0, standby),
    ):
        pass


SAID = {
    "no bucket": ("s3://nowhere/x", {}, "there is no bucket s3://nowhere"),
    "no server": ("s3://lake/x", {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "no answer from"),
}


@pytest.mark.parametrize(("place", "wrong", "words"), SAID.values(), ids=SAID)
def test_what_may_come_back_is_waited_for(
    place: str,
    wrong: dict[str, str],
    words: str,
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And it says what is wrong, and not that somebody holds it."""
    assert bucket.url
    for variable, value in wrong.items():
        monkeypatch.setenv(variable, value)
    said = list[str]()
    with pytest.raises(StoppedWaiting), alone(place, "it", 1.0, Standby(lambda: True, said.append)):
        pass
    assert [words in each for each in said] == [True]
