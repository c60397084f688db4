"""How deep a JSON text nests.

The parser's own limit is what is left of the caller's stack, and a verdict must not depend on the
caller. So depth has a fixed limit here, well below the parser's.
"""

from __future__ import annotations

import re
from itertools import accumulate

MAX_DEPTH = 400
# Each level takes a byte to open and a byte to close.
MAX_SHALLOW_BYTES = 2 * MAX_DEPTH
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


def too_deep(payload: bytes) -> bool:
    """Whether the brackets outside strings nest deeper than `MAX_DEPTH`."""
    if len(payload) <= MAX_SHALLOW_BYTES or _opened(payload) <= MAX_DEPTH:
        return False
    brackets = _STRINGS.sub(b"", payload).translate(None, _OTHERS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0) > MAX_DEPTH


def _opened(payload: bytes) -> int:
    return payload.count(b"[") + payload.count(b"{")
