"""What a lake needs of a bucket is tried, and nothing of the trial stays."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from support.bucket import Bucket

from cli.commands.doctor import doctor
from lakehouse.errors import StorageError
from lakehouse.storage import reach, trial
from lakehouse.store import objects


def examined(bucket: Bucket) -> dict[str, str]:
    """What `doctor` says of the bucket."""
    said = CliRunner().invoke(doctor, ["--lake", bucket.url, "--format", "json"])
    return {one["check"]: one for one in json.loads(said.stdout)}["bucket"]


def test_a_bucket_in_order_is_well(bucket: Bucket) -> None:
    """Conditional put holds, the clock is right, and the object of the trial is gone."""
    tried = trial.run(bucket.url)
    assert tried.is_conditional
    assert abs(tried.skew_seconds) < 5
    assert [*objects.written(objects.reader(bucket.url))] == []
    assert examined(bucket)["state"] == "ok"


def test_who_may_only_read_is_told_so(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the right that is missing."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", bucket.server.reader_key)
    with pytest.raises(StorageError, match=f"may not put below {bucket.url}"):
        trial.run(bucket.url)


@pytest.mark.slow
def test_a_bucket_that_is_not_there_is_bad(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence is that of every command."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    reach.answered.clear()
    found = examined(bucket)
    assert (found["state"], "no answer from" in found["found"]) == ("bad", True)
    reach.answered.clear()
