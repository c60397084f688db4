"""The store in a bucket keeps what the store in a folder promises."""

from __future__ import annotations

from support.bucket import Bucket

from lakehouse.store import objects


def test_an_object_in_a_bucket_is_created_once(bucket: Bucket) -> None:
    """The second writer of a name is refused, and the first one's bytes stay."""
    at = objects.store(bucket.url)

    made = [objects.create(at, "plans/1", content) for content in (b"first", b"second")]

    assert made == [True, False]
    assert objects.get(at, "plans/1") == b"first"
