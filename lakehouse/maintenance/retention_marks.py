"""Where `retain` left off, as each table notes it in its application transactions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from deltalake import DeltaTable

EPOCH = date(1970, 1, 1)
FIRST_DATE = "retain/date"


def retained_from(found: DeltaTable) -> date | None:
    """The first date that `retain` kept at this version of a table, None where it deleted none.

    Rows of earlier dates may be there: they came late. Nothing before it can be recounted.
    """
    days = found.transaction_version(FIRST_DATE)
    return None if days is None else EPOCH + timedelta(days=days)


def retained_to(found: DeltaTable, topic: str, partition: int) -> int:
    """One past the highest offset that `retain` deleted of a partition; 0 where it deleted none."""
    return found.transaction_version(_app(topic, partition)) or 0


def raised(
    found: DeltaTable, first: date, offsets: Mapping[tuple[str, int], int]
) -> dict[str, int]:
    """The points to note, as transactions: none goes back where it was further already."""
    days = (first - EPOCH).days
    asked = {FIRST_DATE: days, **{_app(*of): end for of, end in offsets.items()}}
    return {app: max(to, found.transaction_version(app) or 0) for app, to in asked.items()}


def _app(topic: str, partition: int) -> str:
    return f"retain/{topic}/{partition}"
