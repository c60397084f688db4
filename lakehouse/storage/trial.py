"""Whether a bucket does what a lake needs of it: tried with one small object, which goes again."""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import obstore
from obstore.exceptions import AlreadyExistsError

from lakehouse.errors import StorageError
from lakehouse.storage import reach

ROUNDS = 5
FOLDER = "_logpond"


@dataclass(frozen=True)
class Trial:
    """What a bucket did. `is_conditional`: it refuses to create what is there already."""

    is_conditional: bool
    skew_seconds: float
    put_ms: float
    get_ms: float


def run(root: str) -> Trial:
    """Puts, gets, lists and deletes an object below a place.

    Raises StorageError, which says what is refused.
    """
    reach.check(root)
    at, name = reach.patient(root), f"{FOLDER}/{uuid.uuid4().hex}"
    began = datetime.now(UTC)
    _tried("put", root, lambda: obstore.put(at, name, b"first", mode="create"))
    try:
        is_conditional = _tried("put", root, lambda: _is_refused(at, name))
        written = _tried("get", root, lambda: obstore.head(at, name)["last_modified"])
        _tried("list", root, lambda: _find(at, name, root))
        put_ms = _tried("put", root, lambda: _median(lambda: obstore.put(at, name, b"again")))
        get_ms = _tried("get", root, lambda: _median(lambda: obstore.get(at, name).bytes()))
    finally:
        _tried("delete", root, lambda: obstore.delete(at, name))
    return Trial(is_conditional, _skew(written, began), put_ms, get_ms)


def _tried(right: str, root: str, ask: Callable[[], Any]) -> Any:
    """Returns an answer. Raises StorageError, which names the right that is missing."""
    try:
        return ask()
    except StorageError:
        raise
    except Exception as error:
        is_refused = isinstance(error, PermissionError) or "403" in str(error)
        if is_refused and not reach.is_full(error):
            raise StorageError(
                f"the keys may not {right} below {root}",
                "a lake needs s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket",
            ) from error
        raise reach.fault(error, root) or error from error


def _is_refused(at: Any, name: str) -> bool:
    try:
        obstore.put(at, name, b"second", mode="create")
    except AlreadyExistsError:
        return True
    return False


def _find(at: Any, name: str, root: str) -> None:
    listed = (str(item["path"]) for page in obstore.list(at, FOLDER) for item in page)
    if name not in listed:
        raise StorageError(
            f"{root} does not list an object that was just written",
            "a lake needs a store whose listing lags behind no write, as that of Amazon S3",
        )


def _median(ask: Callable[[], Any]) -> float:
    """Returns how many milliseconds an answer takes, of some."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        ask()
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def _skew(written: datetime, began: datetime) -> float:
    """Returns how far the store's clock is from ours: it wrote between `began` and now."""
    now = datetime.now(UTC)
    # the store tells whole seconds
    early, late = (began - written).total_seconds() - 1, (written - now).total_seconds()
    return -early if early > 0 else max(late, 0.0)
