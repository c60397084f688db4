"""Raw payloads to events and rejects: pure Arrow and msgspec, no Spark, no clock, no settings.

One strict parser judges record by record, so that a verdict depends on the record and its broker
time alone, never on its neighbours. Every raw row comes out once: in `events` or in `rejects`.
"""

from lakehouse.decode.batch import EVENTS, RAW, VERSION, Decoded, decode
from lakehouse.decode.fault import REASONS
from lakehouse.decode.guard import Limits
from lakehouse.decode.leftover.headers import HEADERS
from lakehouse.decode.rejects import REJECTS, original
from lakehouse.decode.sources import ITEM

__all__ = [
    "EVENTS",
    "HEADERS",
    "ITEM",
    "RAW",
    "REASONS",
    "REJECTS",
    "VERSION",
    "Decoded",
    "Limits",
    "decode",
    "original",
]
