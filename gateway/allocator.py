"""Has glibc give memory of bodies back to the system as soon as they are done with."""

from __future__ import annotations

import ctypes

# Numbers of <malloc.h>. By itself glibc raises both limits with each large block that it frees, and
# has eight pools a core: 64 MB of bodies then leave 150 MB more behind.
TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8
WANTED = {ARENA_MAX: 2, MMAP_THRESHOLD: 256 << 10, TRIM_THRESHOLD: 1 << 20}


def return_freed_memory() -> None:
    """Sets the limits for this process; another C library keeps its own ways."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    for option, value in WANTED.items():
        if mallopt:
            mallopt(option, value)
