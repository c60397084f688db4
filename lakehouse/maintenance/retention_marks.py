"""Where `retain` left off: each table keeps it in its application transactions."""

from __future__ import annotations

from datetime import date, timedelta

from deltalake import DeltaTable

EPOCH = date(1970, 1, 1)
FIRST_DATE = "retain/date"
UNNOTED = "retain/unnoted"
FIRST_OF_ROWS = "retain/rows"


def retained_from(found: DeltaTable) -> date | None:
    """Returns the first date that `retain` kept at this version; None where it deleted none.

    Rows of earlier dates may be there: they came late. Nothing before the date can be recounted.
    """
    days = found.transaction_version(FIRST_DATE)
    return None if days is None else EPOCH + timedelta(days=days)


def countable_from(found: DeltaTable) -> date | None:
    """Returns the first date of which no row was deleted by `retain`, nor by a rule of some rows.

    What is counted from rows cannot be counted again before it. None where nothing was deleted.
    """
    days = found.transaction_version(FIRST_OF_ROWS)
    known = [retained_from(found), None if days is None else EPOCH + timedelta(days=days)]
    return max((day for day in known if day), default=None)


def raised_for_rows(found: DeltaTable, first: date) -> dict[str, int]:
    """Returns the transaction to note where some rows before a date go; it never moves back."""
    before = found.transaction_version(FIRST_OF_ROWS) or 0
    return {FIRST_OF_ROWS: max((first - EPOCH).days, before)}


def unnoted_from(found: DeltaTable) -> date | None:
    """Returns that date for the time when `retain` did not yet note which rows it deleted."""
    days = found.transaction_version(UNNOTED)
    if days is None:
        return retained_from(found)
    return EPOCH + timedelta(days=days) if days else None


def retained_to(found: DeltaTable, topic: str, partition: int) -> int:
    """Returns one past the highest offset that `retain` deleted in that time; 0 for none."""
    return found.transaction_version(f"retain/{topic}/{partition}") or 0


def raised(found: DeltaTable, first: date) -> dict[str, int]:
    """Returns the transactions to note; the point never moves back."""
    days, before = (first - EPOCH).days, found.transaction_version(FIRST_DATE) or 0
    unnoted = found.transaction_version(UNNOTED)
    return {FIRST_DATE: max(days, before), UNNOTED: before if unnoted is None else unnoted}
