"""A reading as manifests keep it."""

from __future__ import annotations

import msgspec

from lakehouse.formats.reading import Reading


def test_a_reading_comes_back_from_json() -> None:
    """What was written down is what is read, whatever was left at its default."""
    reading = Reading(format="csv", mapping={"when": "timestamp"}, options={"columns": ["when"]})

    assert msgspec.json.decode(msgspec.json.encode(reading), type=Reading) == reading
