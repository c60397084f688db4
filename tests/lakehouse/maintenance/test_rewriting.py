"""Two that merge or order the files of a table at once leave each row once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from support.bucket import Bucket
from support.lakes import Lake
from support.windows import Pond, at, logged

from lakehouse import store
from lakehouse.errors import TableError
from lakehouse.maintenance import rewriting
from lakehouse.maintenance.partitions import parts, rewrite
from lakehouse.paths import Places
from lakehouse.store.remove import remove_rows
from lakehouse.tables.catalog import LOGS

pytestmark = pytest.mark.slow
FILES = 12


@pytest.fixture(params=["folder", "bucket"])
def worn(lake: Lake, request: pytest.FixtureRequest) -> Lake:
    """One hour in many small files."""
    if request.param == "bucket":
        bucket: Bucket = request.getfixturevalue("bucket")
        lake = Lake(Places.at(bucket.url))
    pond = Pond(lake)
    for n in range(FILES):
        pond.arrive(logged([at(n), at(n + 0.5)], endpoint=["/keep", "/go"]))
    return lake


def offsets(lake: Lake) -> list[int]:
    """Of all rows, in order."""
    found = store.open_table(lake.places, LOGS).to_pyarrow_table(columns=["_offset"])
    return sorted(found["_offset"].to_pylist())


@pytest.mark.parametrize("zorders", [[(), ()], [(), ("endpoint",)], [("endpoint",)] * 2])
def test_two_at_once_leave_each_row_once(worn: Lake, zorders: list[tuple[str, ...]]) -> None:
    """deltalake alone commits both, each with all rows."""
    before, (part,) = offsets(worn), parts(worn.places, LOGS.name)
    with ThreadPoolExecutor(len(zorders)) as threads:
        at_once = [
            threads.submit(rewrite, worn.places, LOGS.name, part.keys, zorder) for zorder in zorders
        ]
    assert [one.exception() for one in at_once] == [None] * len(zorders)
    assert offsets(worn) == before


def test_what_is_deleted_meanwhile_stays_so(worn: Lake) -> None:
    """Of a rewriting and a deletion at once one is made anew."""
    (part,) = parts(worn.places, LOGS.name)
    with ThreadPoolExecutor(2) as threads:
        at_once = [
            threads.submit(rewrite, worn.places, LOGS.name, part.keys),
            threads.submit(remove_rows, worn.places, LOGS.name, "endpoint = '/go'", {}),
        ]
    assert [one.exception() for one in at_once] == [None, None]
    found = store.open_table(worn.places, LOGS).to_pyarrow_table(columns=["endpoint"])
    assert found["endpoint"].to_pylist() == ["/keep"] * FILES


def test_who_waits_in_vain_is_told(worn: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """And has changed nothing."""
    monkeypatch.setattr(rewriting, "WAITED_SECONDS", 0.0)
    (part,) = before = parts(worn.places, LOGS.name)
    with rewriting.alone(worn.places, LOGS.name), pytest.raises(TableError, match="ten minutes"):
        rewrite(worn.places, LOGS.name, part.keys)
    assert parts(worn.places, LOGS.name) == before
