"""A lake in a bucket behind a proxy, which makes trouble."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.bucket import Bucket
from support.bucket_proxy import BucketProxy
from support.lakes import Lake

from lakehouse.paths import Places
from lakehouse.storage import reach


@pytest.fixture
def proxy(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketProxy]:
    """What stands between this test and the bucket; the environment leads to it."""
    with BucketProxy(bucket.server.endpoint) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.endpoint)
        monkeypatch.setenv("AWS_TIMEOUT", "2s")
        monkeypatch.setenv("AWS_CONNECT_TIMEOUT", "2s")
        reach.answered.clear()
        yield running


@pytest.fixture
def lake(bucket: Bucket) -> Lake:
    """A lake in the bucket, empty."""
    return Lake(Places.at(bucket.url))
