"""The proofs of a lake, one object each: every one names the one before it, and hashes itself.

A proof is named by its number and a hash of its bytes, and is never changed. Of several the one
with the highest number counts; two of one number, by two runs at once, are both right. The last
two are kept, so that one that is being read is there.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

import msgspec
import pyarrow as pa

from lakehouse.paths import Places
from lakehouse.proof.proved import DataFile, Files, Proof, decoded, encoded
from lakehouse.store import durable, objects

NAME = re.compile(r"^(\d{12})-([0-9a-f]{32})\.parquet$")
KEPT = 2


@dataclass(frozen=True)
class Newest:
    """The newest proof and its files; without one `why` says so. The next has number `number`+1."""

    proof: Proof | None
    why: str = ""
    name: str = ""
    number: int = 0
    files: dict[str, dict[str, DataFile]] = field(default_factory=dict)


def newest(places: Places) -> Newest:
    """Returns the newest proof. One that was changed, or is of another release, is none."""
    for _ in range(KEPT + 1):
        name = max(_names(places), default="")
        if not name:
            return Newest(None, "nothing was proved before")
        content = objects.get(objects.reader(places.proofs), name)
        if content is not None:  # else newer ones took its place meanwhile
            return _decoded(places, name, content)
    return Newest(None, "proofs come and go: another run is at work")


def write(places: Places, proof: Proof, files: Files) -> None:
    """Writes a proof for good, then deletes all but the newest ones."""
    content = encoded(proof, files)
    name = f"{proof.number:012d}-{_digest(content)}.parquet"
    durable.create(places, places.proofs, name, content)
    old = [n for n in _names(places) if _number(n) <= proof.number - KEPT]
    objects.delete_all(objects.store(places.proofs), old)


def _decoded(places: Places, name: str, content: bytes) -> Newest:
    number, place = _number(name), f"the proof {name} in {places.proofs}"
    if _digest(content) not in name:
        return Newest(None, f"{place} is not as it was written", number=number)
    try:
        proof, files = decoded(content)
    except (pa.ArrowException, OSError, KeyError, msgspec.DecodeError):
        return Newest(None, f"{place} is of another release", number=number)
    return Newest(proof, "", name, number, files)


def _names(places: Places) -> list[str]:
    return [n for n in objects.names(objects.reader(places.proofs), "") if NAME.match(n)]


def _number(name: str) -> int:
    return int(name[:12])


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
