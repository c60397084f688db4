"""The store in a bucket keeps what the store in a folder promises."""

from __future__ import annotations

import pytest
from support.bucket import Bucket

from lakehouse.store import objects


def test_an_object_in_a_bucket_is_created_once(bucket: Bucket) -> None:
    """The second writer of a name is refused, and the first one's bytes stay."""
    at = objects.store(bucket.url)

    made = [objects.create(at, "plans/1", content) for content in (b"first", b"second")]

    assert made == [True, False]
    assert objects.get(at, "plans/1") == b"first"


@pytest.mark.parametrize("folder", ["", "plans"])
def test_a_folder_that_became_empty_names_nothing(bucket: Bucket, folder: str) -> None:
    """Some stores keep it, and list it as an object of its own name."""
    root, inner = (bucket.url, "plans/") if folder else (f"{bucket.url}/plans", "")
    at = objects.store(root)
    objects.create(at, f"{inner}1", b"")
    before = objects.names(at, folder)

    objects.delete(at, f"{inner}1")

    assert (before, objects.names(at, folder)) == (["1"], [])
