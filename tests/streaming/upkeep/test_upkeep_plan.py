"""What upkeep is due follows from the files of a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from lakehouse.maintenance import Part
from streaming.upkeep.upkeep_plan import Rules, due

MB = 1 << 20
RULES = Rules(small_files=3, closed_after=timedelta(minutes=10))


def hour(number: int, *sizes: int, newest: str = "") -> Part:
    """An hour with files of these sizes."""
    keys = (("date", "2026-05-01"), ("hour", str(number)))
    event = datetime.fromisoformat(f"2026-05-01T{newest}").replace(tzinfo=UTC) if newest else None
    return Part(keys, {f"{number}/{n}": size for n, size in enumerate(sizes)}, event)


def told(*parts: Part, ordered: Any = None, can_order: bool = True) -> list[tuple[str, str]]:
    """What is due, by the hour."""
    found = due(parts, can_order, ordered or {}, RULES)
    return [(one.what, dict(one.part.keys)["hour"]) for one in found]


def test_an_hour_that_is_over_is_put_in_order() -> None:
    """Even one file, and the open hour is not."""
    assert told(hour(9, MB), hour(10, MB, newest="10:10:00")) == [("order", "9")]


def test_an_hour_is_not_over_before_the_margin() -> None:
    """Late events of the first minutes find it open."""
    assert told(hour(9, MB), hour(10, MB, newest="10:09:59")) == []


def test_many_small_files_of_the_open_hour_are_merged() -> None:
    """More than the setting allows, and large ones do not count."""
    few, many = hour(10, MB, MB, MB, 20 * MB, newest="10:10:00"), hour(10, *[MB] * 4)
    assert (told(few), told(many)) == ([], [("merge", "10")])


def test_what_is_in_order_is_left_alone() -> None:
    """With late files too, while they are few and weigh little."""
    closed, open_ = hour(9, 50 * MB, MB, MB), hour(10, MB, newest="10:30:00")
    assert told(closed, open_, ordered={closed.name: ["9/0"]}) == []


def test_many_late_files_are_merged() -> None:
    """They weigh too little for the whole hour to be written again."""
    closed, open_ = hour(9, 100 * MB, *[MB] * 4), hour(10, MB, newest="10:30:00")
    assert told(closed, open_, ordered={closed.name: ["9/0"]}) == [("merge", "9")]


def test_late_rows_that_weigh_are_put_in_order() -> None:
    """From a tenth of the hour on."""
    closed, open_ = hour(9, 30 * MB, 4 * MB), hour(10, MB, newest="10:30:00")
    assert told(closed, open_, ordered={closed.name: ["9/0"]}) == [("order", "9")]


def test_the_open_hour_comes_first_then_the_newest() -> None:
    """Each commit pays for the small files of the open one."""
    parts = [hour(8, MB), hour(9, MB), hour(10, *[MB] * 5, newest="10:30:00")]
    assert told(*parts) == [("merge", "10"), ("order", "9"), ("order", "8")]


def test_a_table_without_order_is_only_merged() -> None:
    """Its partitions are days, or of another kind."""
    days = [Part((("date", f"2026-05-0{n}"),), {f"{n}/{i}": MB for i in range(5)}) for n in (1, 2)]
    found = due(days, False, {}, RULES)
    assert [(one.what, one.part.name) for one in found] == [
        ("merge", "date=2026-05-01"),
        ("merge", "date=2026-05-02"),
    ]


def test_nothing_is_due_of_an_empty_table() -> None:
    """As it is after its creation."""
    assert told() == []
