"""How large a record and its parts may be, the same at every door. Pure."""

from __future__ import annotations

from dataclasses import dataclass

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True)
class Budgets:
    """Bounds in bytes, or in numbers where no unit is given.

    A record over its budget is rejected as `over_budget`; a longer text is cut at a character, and
    `_misfits` says so, or its record is rejected where the source wants that. Rows are decoded
    `batch_rows` or `batch_bytes` at once, and written when `written_rows` or `written_bytes` are
    held. A line of a file is cut at `line`, and a record of several lines ends at `joined_lines`.
    The events of one record may be `unfolded` together, with what each repeats, and at most
    `unfolded_ratio` times the record: thousands of small ones are decoded at once. A packed file
    may unpack to `unpacked`, and, from `unpacked_at_any_ratio` on, to `unpacked_ratio` times its
    size.
    """

    record: int = 1 * MIB
    field: int = 64 * KIB
    attributes: int = 1000
    attribute_key: int = 1 * KIB
    batch_rows: int = 2_000
    batch_bytes: int = 8 * MIB
    written_rows: int = 200_000
    written_bytes: int = 64 * MIB
    line: int = 4 * MIB
    joined_lines: int = 1000
    unfolded: int = 24 * MIB
    unfolded_ratio: int = 100
    unpacked: int = 256 * GIB
    unpacked_ratio: int = 500
    unpacked_at_any_ratio: int = 64 * MIB


BUDGETS = Budgets()


def cut(text: str, most: int) -> str:
    """The text, at most so many bytes of UTF-8, without a part of a character."""
    return text.encode()[:most].decode(errors="ignore")
