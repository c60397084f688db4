"""What was erased on request is left out wherever its record is decoded again."""

from __future__ import annotations

import pyarrow as pa
import pytest
from support.lakes import Lake

from lakehouse.ingest.absent import OF_EVENTS, Absent, within
from lakehouse.ingest.intake import without_erased

Place = tuple[str, int, int, int | None]
NAMES = ("_topic", "_partition", "_offset", "_item")


def rows(*places: Place) -> pa.Table:
    """Rows at these coordinates."""
    kinds = (pa.string(), pa.int32(), pa.int64(), pa.int32())
    schema = pa.schema([*zip(NAMES, kinds, strict=True)])
    return pa.Table.from_pylist([dict(zip(NAMES, p, strict=True)) for p in places], schema=schema)


@pytest.mark.parametrize(
    ("erased", "left"),
    [
        (("t", 0, 1, None), [2, 3]),
        (("t", 1, 1, None), [1, 2, 3]),
        (("u", 0, 1, None), [1, 2, 3]),
        (("t", 0, 2, 0), [1, 2, 3]),
        (("t", 0, 2, None), [1, 3]),
        (("t", 0, 3, 7), [1, 2]),
    ],
)
def test_an_event_is_left_out_by_its_place(erased: Place, left: list[int]) -> None:
    """A record that was erased whole gives none; one that lost an event is not kept whole."""
    found = rows(("t", 0, 1, None), ("t", 0, 2, 0), ("t", 0, 2, 1), ("t", 0, 3, None))
    kept = without_erased(found, rows(erased))
    assert sorted({*kept["_offset"].to_pylist()}) == left


def test_events_are_noted_with_their_numbers(lake: Lake) -> None:
    """And found again by their offsets."""
    noted = pa.Table.from_pylist(
        [{"_topic": "t", "_partition": 0, "first_": n, "last_": n, "_item": n} for n in (3, 9)],
        schema=OF_EVENTS,
    )
    Absent(lake.places).note("erased", "a", noted)
    found = Absent(lake.places).erased()
    assert found.to_pylist() == rows(("t", 0, 3, 3), ("t", 0, 9, 9)).to_pylist()
    assert within(found, {"t": {0: (0, 9)}, "u": {0: (0, 99)}})["_offset"].to_pylist() == [3]
    assert within(found, {}).num_rows == 0
    assert Absent(lake.places).of("erased").num_rows == 2
