"""A file is in once: by its content and by its path, and what is not in is nowhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.importing import HEADER, Imports, csv_lines, ndjson, written
from support.lakes import Lake
from support.records import EVENT, LIMITS
from support.windows import Pond

from batch.imports.contents import refuse_changed, state
from batch.imports.load import Loader
from batch.imports.reading import Overrides
from lakehouse import maintenance
from lakehouse.errors import SettingsError
from lakehouse.ingest.plans import has_plan_before
from lakehouse.ingest.raw_zone import ImportPlan, RawZone
from lakehouse.paths import Places
from lakehouse.proof.verify import verify
from lakehouse.tables.rollups import MINUTES

pytestmark = pytest.mark.slow


@pytest.fixture
def imports(lake: Lake) -> Imports:
    """An empty lake to import into."""
    return Imports(lake)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A CSV of forty rows, two of them broken."""
    return written(tmp_path / "a.csv", csv_lines(40, bad=[3, 17]))


def counted(imports: Imports) -> tuple[bool, int, int, int]:
    """What `verify` says: fine or not, records, in logs, in quarantine."""
    found = verify(imports.lake.places)
    return found.ok, found.records, found.logs, found.quarantine


def test_every_record_is_in_one_of_both_tables(imports: Imports, file: Path) -> None:
    """With its number for an offset."""
    (told,) = imports.run(file)
    assert (told.done, told.records, told.logs, told.quarantine) == ("imported", 40, 38, 2)
    assert counted(imports) == (True, 40, 38, 2)
    assert imports.ask("SELECT _offset FROM quarantine ORDER BY 1") == [(3,), (17,)]


def test_a_reject_is_found_again(imports: Imports, file: Path) -> None:
    """Its line, and the bytes that stood there."""
    imports.run(file)
    ((detail, payload),) = imports.ask("SELECT detail, payload FROM quarantine WHERE _offset = 3")
    assert detail.startswith("line 5: no CSV row")
    assert file.read_text().splitlines()[4] == payload


def test_a_second_time_changes_nothing(imports: Imports, file: Path) -> None:
    """No version of a table, whatever is asked."""
    imports.run(file)
    before = imports.versions()
    assert imports.done(file) == imports.done(file, replace=True) == ["unchanged"]
    assert imports.versions() == before


def test_the_same_content_elsewhere_is_in_already(imports: Imports, file: Path) -> None:
    """That is said, with the path it came by; in one import or in two."""
    other, third = file.with_name("b.csv"), file.with_name("c.csv")
    for each in (other, third):
        each.write_bytes(file.read_bytes())
    assert imports.done(file, other) == ["imported", "same content"]
    (told,) = imports.run(third)
    assert (told.done, told.reason) == ("same content", f"as {file}")
    assert counted(imports)[1] == 40


def test_a_changed_file_is_refused(imports: Imports, file: Path) -> None:
    """Nothing of it is in, and nothing of the old one goes."""
    imports.run(file)
    written(file, csv_lines(50))
    (told,) = imports.run(file)
    assert told.is_fault
    assert "--replace" in told.reason
    assert counted(imports) == (True, 40, 38, 2)


def test_what_changes_while_it_is_copied_is_not_kept(lake: Lake, file: Path) -> None:
    """Neither where no copy was, nor in the place of one."""
    zone, before = RawZone(lake.places), state(file)
    kept = Path(lake.places.raw_file("files/5f"))
    for grown in (50, 60):
        written(file, csv_lines(grown))
        with pytest.raises(SettingsError, match="changed"):
            zone.keep(file, "5f", lambda: refuse_changed(file, before))
        assert [*kept.parent.glob("*")] == ([kept] if grown == 60 else [])
        zone.keep(written(file, csv_lines(40)), "5f")

    assert kept.read_bytes() == file.read_bytes()


def test_what_changed_before_is_not_even_copied(imports: Imports, file: Path) -> None:
    """It is refused by its state alone."""
    imports.run(file)
    (what,) = RawZone(imports.lake.places).manifests().values()
    steps, before = list[str](), state(file)
    written(file, csv_lines(50))
    with pytest.raises(SettingsError, match="changed"):
        Loader(imports.lake.places, LIMITS, reached=steps.append).load(file, before, what, [])
    assert steps == []


def test_a_changed_file_takes_the_place_of_the_old_one(imports: Imports, file: Path) -> None:
    """Its rows alone are there, windows too; again it changes nothing."""
    imports.run(file)
    written(file, csv_lines(50, bad=[1], service="cart"))
    assert imports.done(file, replace=True) == ["replaced"]
    assert imports.done(file, replace=True) == ["unchanged"]
    assert imports.ask("SELECT service, count(*) FROM logs GROUP BY 1") == [("cart", 49)]
    assert counted(imports) == (True, 50, 49, 1)


@pytest.mark.slow
def test_there_and_back_again(imports: Imports, file: Path) -> None:
    """A content that was replaced can come back."""
    first = file.read_text().splitlines()
    for lines in (first, csv_lines(5), first, csv_lines(5)):
        written(file, lines)
        assert not imports.run(file, replace=True)[0].is_fault
    assert counted(imports) == (True, 5, 5, 0)


def test_a_content_stays_while_another_path_has_it(imports: Imports, file: Path) -> None:
    """Only the last path takes it along."""
    other = file.with_name("b.csv")
    other.write_bytes(file.read_bytes())
    imports.run(file, other)
    written(file, csv_lines(7))
    imports.run(file, replace=True)
    assert counted(imports)[1] == 47
    written(other, csv_lines(7))
    assert imports.done(other, replace=True) == ["replaced"]
    assert counted(imports) == (True, 7, 7, 0)


def test_a_file_read_otherwise_is_another_import(imports: Imports, file: Path) -> None:
    """Refused, or in the place of what it was."""
    imports.run(file)
    cart = Overrides(constants={"service": "cart"})
    assert imports.done(file, overrides=cart) == ["refused"]
    assert imports.done(file, overrides=cart, replace=True) == ["replaced"]
    assert imports.ask("SELECT DISTINCT service FROM logs") == [("cart",)]
    assert counted(imports) == (True, 40, 38, 2)


def test_what_a_restore_took_comes_back(imports: Imports, file: Path) -> None:
    """Where it is asked to import again."""
    imports.run(file)
    maintenance.restore(imports.lake.places, "logs", 0)
    assert verify(imports.lake.places).gaps == 38
    assert imports.done(file, again=True) == ["replaced"]
    assert counted(imports) == (True, 40, 38, 2)


def test_a_log_that_was_packed_is_the_same_log(imports: Imports, file: Path) -> None:
    """As rotation leaves it; also where what was its place has another content now."""
    packed = written(file.with_name("a.csv.1.gz"), csv_lines(40, bad=[3, 17]))
    imports.run(file)
    written(file, csv_lines(7, service="cart"))
    assert imports.done(packed, file) == ["same content", "refused"]
    assert imports.done(packed, file, replace=True) == ["unchanged", "replaced"]
    assert counted(imports) == (True, 47, 45, 2)


def test_a_log_that_was_packed_can_be_read_otherwise(imports: Imports, file: Path) -> None:
    """In the place of what it was."""
    packed = written(file.with_name("b.csv.gz"), csv_lines(40, bad=[3, 17]))
    imports.run(file)
    cart = Overrides(constants={"service": "cart"})
    assert imports.done(packed, overrides=cart, replace=True) == ["replaced"]
    assert imports.done(file, overrides=cart) == ["same content"]
    assert imports.ask("SELECT DISTINCT service FROM logs") == [("cart",)]
    assert counted(imports) == (True, 40, 38, 2)


@pytest.mark.parametrize("name", ["b.csv.gz", "crlf", "bom"])
def test_it_is_the_same_however_it_is_wrapped(imports: Imports, file: Path, name: str) -> None:
    """Packed, with other line ends, behind a byte order mark."""
    lines = csv_lines(40, bad=[3, 17])
    lines[0] = ("\ufeff" if name == "bom" else "") + lines[0]
    lines += ["no row"] if name.endswith(".gz") else []  # else it would be the same log
    other = written(file.with_name(name), lines, "\r\n" if name == "crlf" else "\n")
    imports.run(file, other)
    columns = "timestamp, service, endpoint, status_code, ip, response_time, _offset"
    both = imports.ask(f"SELECT count(DISTINCT _topic), count(*) FROM logs GROUP BY {columns}")
    assert both == [(2, 2)] * 38


def test_a_file_without_a_header(imports: Imports, tmp_path: Path) -> None:
    """Its columns are named by their places."""
    file = written(tmp_path / "bare.csv", csv_lines(9)[1:])
    overrides = {"column1": "service", "column2": "endpoint", "column5": "response_time"}
    (told,) = imports.run(file, overrides=Overrides(mapping=overrides))
    assert (told.logs, told.quarantine) == (9, 0)


def test_a_file_of_a_header_alone(imports: Imports, tmp_path: Path) -> None:
    """It is in, with no rows, once."""
    file = written(tmp_path / "none.csv", [HEADER])
    assert [imports.done(file), imports.done(file)] == [["imported"], ["unchanged"]]
    assert counted(imports) == (True, 0, 0, 0)


def test_objects_are_in_with_their_own_names(imports: Imports, tmp_path: Path) -> None:
    """And a line that is none is a reject."""
    events = [EVENT | {"event_id": f"own-{n}"} for n in range(3)]
    file = written(tmp_path / "a.ndjson", [*ndjson(*events), "{broken"])
    (told,) = imports.run(file)
    assert (told.format, told.logs, told.quarantine) == ("json", 3, 1)
    assert imports.ask("SELECT event_id FROM logs ORDER BY _offset") == [
        ("own-0",),
        ("own-1",),
        ("own-2",),
    ]


def test_a_dry_run_writes_nothing(imports: Imports, file: Path) -> None:
    """Not even a folder; it says what would be."""
    (told,) = imports.run(file, dry_run=True)
    assert (told.done, told.logs, told.quarantine) == ("would be imported", 38, 2)
    assert not Path(imports.lake.places.lake).exists()


def test_a_file_that_fails_leaves_the_others_alone(imports: Imports, file: Path) -> None:
    """One that is no text, one that is cut off; both are named, with the reason."""
    prose = written(file.with_name("b.txt"), ["\x00\x01\x02"])
    cut = written(file.with_name("c.csv.gz"), csv_lines(500))
    cut.write_bytes(cut.read_bytes()[:-20])
    first, second, third = imports.run(prose, cut, file)
    assert [first.done, second.done, third.done] == ["failed", "failed", "imported"]
    assert ("is binary" in first.reason, str(cut) in second.reason) == (True, True)
    assert counted(imports) == (True, 40, 38, 2)


def test_the_copy_is_the_file(imports: Imports, file: Path) -> None:
    """Byte for byte, by its hash; without one there is a manifest yet."""
    other = written(file.with_name("b.csv"), csv_lines(3))
    imports.run(file)
    imports.run(other, keeps_copies=False)
    copies = [*Path(imports.lake.places.raw, "files").iterdir()]
    assert [copy.read_bytes() for copy in copies] == [file.read_bytes()]
    assert len([*Path(imports.lake.places.raw, "manifests").iterdir()]) == 2


@pytest.mark.slow
def test_windows_equal_a_recount(imports: Imports, file: Path) -> None:
    """Of a first import, of late rows, and of rows that went."""
    other = written(file.with_name("b.csv"), csv_lines(60, service="cart"))
    imports.run(file, windows=True)
    imports.run(other, windows=True)
    written(file, csv_lines(5))
    imports.run(file, windows=True, replace=True)
    found = verify(imports.lake.places)
    assert found.windows_checked > 15
    assert (found.ok, found.windows_late) == (True, 0)


@pytest.mark.slow
def test_minutes_that_lost_rows_are_counted_again(imports: Imports, file: Path) -> None:
    """Where detection has closed some; late rows stay out of them."""
    imports.run(file)
    Pond(imports.lake).close_by_now([MINUTES])
    written(file, csv_lines(5))
    imports.run(file, windows=True, replace=True)
    assert verify(imports.lake.places).windows_wrong == 0


def test_a_lake_at_a_url(file: Path, tmp_path: Path) -> None:
    """Is filled in the same way."""
    lake = f"file://{tmp_path}/url%20lake"
    imports = Imports(Lake(Places(lake, f"{lake}/_checkpoints")))
    assert [imports.done(file), imports.done(file)] == [["imported"], ["unchanged"]]
    assert counted(imports) == (True, 40, 38, 2)


def test_upkeep_sees_a_plan_that_stands(imports: Imports, file: Path) -> None:
    """And deletes no file that it may need."""
    imports.run(file)
    zone, places = RawZone(imports.lake.places), imports.lake.places
    zone.plans.write(ImportPlan(what=zone.manifests().popitem()[1], files=[]))
    assert has_plan_before(places, datetime.now(UTC) + timedelta(minutes=1))
