"""Whose process is at the other end of a connection within this machine, by Linux's own tables."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

from lakehouse.http.hosts import is_loopback

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
LOCAL, REMOTE, UID = 1, 2, 7
MAPPED = b"\0" * 10 + b"\xff\xff"
Address = tuple[str, int]


def can_tell() -> bool:
    """Whether this machine can tell users apart."""
    return sys.platform == "linux" and TABLES[0].is_file()


def needs_no_token(host: str, *for_others: str) -> bool:
    """Whether the user who runs a server at `host` may ask it without a token.

    Not where one of the settings `for_others` (a token, names, proxies) says that others ask too.
    """
    return is_loopback(host) and not any(for_others) and can_tell()


def is_ours(client: Address, server: Address) -> bool:
    """Whether the user of this process opened the connection; False where nobody can tell."""
    return uid(client, server) == os.getuid()


def uid(client: Address, server: Address) -> int | None:
    """The user who has the socket `client` that is connected to `server`; None where not known.

    Both are of this machine: the tables hold both ends, and the client's is the one sought.
    """
    for table in TABLES:
        wanted = [_written(end, table.name == "tcp6") for end in (client, server)]
        with suppress(OSError), table.open() as lines:
            for line in lines:
                words = line.split()
                if words[LOCAL : REMOTE + 1] == wanted:
                    return int(words[UID])
    return None


def _written(address: Address, wide: bool) -> str | None:
    """An address as the tables have it: words of four bytes in the order of this machine."""
    host, port = address[:2]
    try:
        packed = socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    except OSError:
        return None
    if wide and len(packed) == 4:
        packed = MAPPED + packed
    if not wide and len(packed) != 4:
        return None
    words = (packed[at : at + 4] for at in range(0, len(packed), 4))
    text = "".join(f"{int.from_bytes(word, sys.byteorder):08X}" for word in words)
    return f"{text}:{port:04X}"
