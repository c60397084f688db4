"""Who holds a lease, and under which epoch: the content of its object, and what is said of it."""

from __future__ import annotations

import os
import socket
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec

from lakehouse.terminal.render import escaped
from lakehouse.terminal.times import rendered

MOST_BYTES = 8 << 10
Name = Annotated[str, msgspec.Meta(max_length=255)]
# Doubles hold whole numbers up to here, and whoever counts starts gets nowhere near.
Epoch = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
LEAST_TTL, MOST_TTL = 0.1, 600.0

_started = datetime.now(UTC)


class Holder(msgspec.Struct, frozen=True):
    """A process: `started` is when, by its own clock."""

    host: Name
    pid: int
    program: Name
    started: datetime

    def __str__(self) -> str:
        return escaped(f"{self.program}, process {self.pid} on {self.host}")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A lease: held until `ttl` seconds pass without a renewal, or until it is released.

    `nonce` is new with each taking, and `renewals` counts: no two contents are the same. Times are
    for people; nothing is decided by them.
    """

    holder: Holder
    nonce: Name
    epoch: Epoch
    ttl: Annotated[float, msgspec.Meta(ge=LEAST_TTL, le=MOST_TTL)]
    since: datetime
    renewed: datetime
    renewals: int = 0
    is_released: bool = False

    def __str__(self) -> str:
        return f"{self.holder}, since {rendered(self.since)}"

    @property
    def content(self) -> bytes:
        """Returns its bytes."""
        return msgspec.json.encode(self)

    def renewal(self) -> Record:
        """Returns the next renewal."""
        now = datetime.now(UTC)
        return msgspec.structs.replace(self, renewals=self.renewals + 1, renewed=now)

    def at_epoch(self, epoch: int) -> Record:
        """Returns the same under another epoch."""
        return msgspec.structs.replace(self, epoch=epoch)

    def released(self) -> Record:
        """Returns what is left behind: its epoch counts on."""
        return msgspec.structs.replace(self.renewal(), is_released=True)


def taken(before: Record | None, ttl: float) -> Record:
    """Returns the lease of this process after another one, or after none that is known."""
    now = datetime.now(UTC)
    epoch = before.epoch + 1 if before else 1
    nonce = uuid.uuid4().hex
    return Record(holder=this(), nonce=nonce, epoch=epoch, ttl=ttl, since=now, renewed=now)


def this() -> Holder:
    """Returns this process, as it was called."""
    name, *words = sys.argv or ["python"]
    called = Path(name)
    program = called.parent.name if called.stem == "__main__" else called.name
    command = [word for word in words[:1] if word.isidentifier()]
    program = " ".join([program or "python", *command])
    return Holder(socket.gethostname()[:255], os.getpid(), program[:255], _started)


def decoded(content: bytes) -> Record | None:
    """Returns a lease out of its bytes; None where they are none, whatever else they are."""
    if len(content) > MOST_BYTES:
        return None
    try:
        return msgspec.json.decode(content, type=Record)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
