"""A lease in a bucket: taken, renewed, lost, found again; on a store that keeps versions."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import obstore
import pytest
from obstore.store import MemoryStore

from lakehouse.errors import CheckpointError, LeaseError
from lakehouse.store.lease.bucket import (
    OBJECT,
    BucketLease,
    held_in_bucket,
    holder_in_bucket,
)
from lakehouse.store.lease.grant import Standby, StoppedWaiting
from lakehouse.store.lease.record import Record, decoded, taken

pytestmark = pytest.mark.slow

PLACE = "s3://lake/_checkpoints/ingest.ledger"
TTL = 0.3


@pytest.fixture
def bucket() -> Any:
    """An empty store that knows conditional puts."""
    return MemoryStore()


@contextmanager
def held(
    bucket: Any, ttl: float = TTL, standby: Standby | None = None, is_known: bool = False
) -> Iterator[BucketLease]:
    """The lease of this process; `is_known`: that there was one before."""
    what = "the ingest query"
    with held_in_bucket(bucket, PLACE, what, ttl, standby, lambda: is_known) as lease:
        yield lease


def there(bucket: Any) -> Record:
    """What the object says."""
    found = decoded(bytes(obstore.get(bucket, OBJECT).bytes()))
    assert found
    return found


def put(bucket: Any, content: bytes) -> None:
    """Writes it behind everybody's back."""
    obstore.put(bucket, OBJECT, content)


@contextmanager
def frozen(bucket: Any, ttl: float = TTL) -> Iterator[BucketLease]:
    """A holder that took it and was frozen before it renewed; `start` has it go on."""
    record = taken(None, ttl)
    version = obstore.put(bucket, OBJECT, record.content, mode="create")["e_tag"]
    lease = BucketLease(bucket, PLACE, record, f"|{version}", began=0.0, is_after_clean=True)
    yield lease
    lease.release()


def renewals(bucket: Any, more: int) -> None:
    """Waits until the object was renewed so often."""
    wanted = there(bucket).renewals + more
    while there(bucket).renewals < wanted:
        threading.Event().wait(TTL / 20)


def test_a_second_one_is_refused_and_told_who(bucket: Any) -> None:
    """As soon as it sees that it is renewed; the holder goes on."""
    with held(bucket) as lease:
        with (
            pytest.raises(CheckpointError, match=f"process {os.getpid()} on .*, since"),
            held(bucket),
        ):
            pass
        lease.confirm()


def test_what_is_released_is_free_at_once(bucket: Any) -> None:
    """Without a wait: the lease would last for minutes. The epoch counts on."""
    found = []
    for _ in range(3):
        with held(bucket, ttl=600) as lease:
            found.append((lease.record.epoch, lease.is_after_clean))
    assert found == [(1, True), (2, True), (3, True)]


def test_one_that_died_is_taken_over(bucket: Any) -> None:
    """Also before its first renewal."""
    with frozen(bucket), held(bucket) as lease:
        assert (lease.record.epoch, lease.is_after_clean) == (2, False)


def test_a_holder_that_was_frozen_has_lost_it(bucket: Any) -> None:
    """It says who has it, to whoever asks first and to who is to be told."""
    told = queue.Queue[Exception]()
    with frozen(bucket) as late, held(bucket):
        late.when_lost(told.put)
        late.start()
        with pytest.raises(LeaseError, match=f"held by .*process {os.getpid()}"):
            late.confirm()
        assert "lost its lease" in str(told.get(timeout=30))


def test_a_holder_that_was_frozen_while_nobody_waited_goes_on(bucket: Any) -> None:
    """As a laptop that slept."""
    with frozen(bucket) as late:
        late.start()
        late.confirm()
        assert there(bucket).renewals > 0


def test_a_renewal_whose_answer_was_lost_is_recognised(bucket: Any) -> None:
    """It was done: what is there is its own, so it goes on from there."""
    with held(bucket) as lease:
        put(bucket, lease.record.renewal().content)
        renewals(bucket, 2)
        lease.confirm()
        assert there(bucket).nonce == lease.record.nonce


def test_a_lease_that_was_deleted_is_made_again(bucket: Any) -> None:
    """By who holds it."""
    with held(bucket) as lease:
        renewals(bucket, 1)
        obstore.delete(bucket, OBJECT)
        while not obstore.list(bucket).collect():
            threading.Event().wait(TTL / 20)
        renewals(bucket, 2)
        lease.confirm()
        assert there(bucket).nonce == lease.record.nonce


def test_one_that_was_deleted_is_not_taken_from_who_lives(bucket: Any) -> None:
    """Its holder makes it again, and whoever came meanwhile is refused."""
    with held(bucket) as lease:
        renewals(bucket, 1)
        obstore.delete(bucket, OBJECT)
        with pytest.raises(CheckpointError, match="runs already"), held(bucket, is_known=True):
            pass
        lease.confirm()


def test_one_that_was_deleted_is_taken_after_its_time(bucket: Any) -> None:
    """Somebody may have held it; nobody came back."""
    with held(bucket, is_known=True) as lease:
        assert (lease.record.epoch, lease.is_after_clean) == (1, False)


GARBAGE = [b"", b"{", b"\xff\xfe", b"[]", b"x" * 100_000, b'{"epoch":-1}', b"null"]


@pytest.mark.parametrize("content", GARBAGE)
def test_garbage_in_place_of_it_is_written_over(bucket: Any, content: bytes) -> None:
    """By who holds it."""
    with held(bucket) as lease:
        put(bucket, content)
        while decoded(bytes(obstore.get(bucket, OBJECT).bytes())) is None:
            threading.Event().wait(TTL / 20)
        renewals(bucket, 1)
        lease.confirm()
        assert there(bucket).nonce == lease.record.nonce


@pytest.mark.parametrize("content", GARBAGE)
def test_garbage_is_waited_for_like_a_holder(bucket: Any, content: bytes) -> None:
    """Somebody may hold it; then its epoch is unknown."""
    put(bucket, content)
    with held(bucket) as lease:
        assert (lease.record.epoch, lease.is_after_clean) == (1, False)


def test_a_time_without_end_is_no_lease(bucket: Any) -> None:
    """Whoever wrote it: a waiter would wait for ever."""
    put(bucket, taken(None, TTL).content.replace(b'"ttl":0.3', b'"ttl":1e12'))
    with held(bucket) as lease:
        assert lease.record.epoch == 1


def test_a_higher_epoch_is_in_the_object(bucket: Any) -> None:
    """And in each renewal."""
    with held(bucket) as lease:
        lease.raise_epoch(41)
        renewals(bucket, 1)
        assert (there(bucket).epoch, lease.record.epoch) == (41, 41)
    with held(bucket) as lease:
        assert lease.record.epoch == 42


@pytest.mark.slow
def test_of_many_that_wait_one_gets_it(bucket: Any) -> None:
    """One at a time, each after the one before; epochs tell them apart."""
    inside, seen, epochs = threading.Semaphore(1), [], []

    def wait() -> None:
        with held(bucket, standby=Standby(lambda: False, lambda _what: None)) as lease:
            seen.append(inside.acquire(blocking=False))
            epochs.append(lease.record.epoch)
            renewals(bucket, 1)
            inside.release()

    waiting = [threading.Thread(target=wait) for _ in range(4)]
    with held(bucket):
        for each in waiting:
            each.start()
        renewals(bucket, 2)
    for each in waiting:
        each.join()
    assert (seen, epochs) == ([True] * 4, [2, 3, 4, 5])


def test_a_standby_can_be_stopped(bucket: Any) -> None:
    """Before it got anything."""
    with held(bucket), pytest.raises(StoppedWaiting):  # noqa: SIM117
        with held(bucket, standby=Standby(lambda: True, lambda _what: None)):
            pass


def test_a_child_that_was_forked_holds_nothing(bucket: Any) -> None:
    """The thread that renews is its parent's."""
    with held(bucket) as lease:
        child = os.fork()
        if not child:
            try:
                lease.confirm()
            except LeaseError:
                os._exit(7)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_a_look_says_who(bucket: Any) -> None:
    """Before, meanwhile and after, and of one that died a while ago."""
    before = holder_in_bucket(bucket)
    with held(bucket) as lease:
        renewals(bucket, 1)
        is_held, by = holder_in_bucket(bucket)
        assert (is_held, by and by.nonce) == (True, lease.record.nonce)
    assert (before, holder_in_bucket(bucket)[0]) == ((False, None), False)
    put(bucket, taken(None, TTL).content.replace(b'"renewed":"2', b'"renewed":"1'))
    assert holder_in_bucket(bucket)[0] is False
