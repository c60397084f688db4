"""An incident is explained: drawn, and counted again from `logs` as it was and as it is."""

from __future__ import annotations

import math
from pathlib import Path
from shutil import rmtree

import msgspec
import pytest
from click.testing import CliRunner
from support.aging import age
from support.lakes import Lake
from support.trouble import (
    CONFIG,
    SCANNER,
    USUAL,
    Doing,
    close_and_fold,
    found,
    put,
    scanned,
    troubled,
)
from support.windows import at, logged

from anomaly.engine.incident import Incident
from anomaly.lake.incidents import incident_named, write
from anomaly.review.chart import draw, figure_of
from anomaly.review.explain import Explained
from anomaly.review.recount import recounted
from lakehouse import maintenance, store
from lakehouse.errors import SettingsError, TableError
from lakehouse.tables.catalog import LOGS
from lakehouse.terminal.commands import program

pytestmark = pytest.mark.slow


def every_kind(minute: int, endpoint: str) -> Doing:
    """A spike, a burst of errors and slow answers, each of another endpoint."""
    if endpoint == "/cart" and 80 <= minute < 86:
        return Doing(times=30)
    if endpoint == "/login" and 100 <= minute < 106:
        return Doing(failing=0.4)
    return Doing(slow=900) if endpoint == "/items" and 120 <= minute < 126 else USUAL


MEASURES = ["traffic", "server_errors", "latency"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with an incident of each measure; nobody changes it."""
    return troubled(Lake.at(tmp_path_factory.mktemp("shop")), every_kind, 150)


def told(lake: Lake, *words: str) -> str:
    """What `explain` says."""
    where = ["explain", *words, "--lake", lake.places.lake]
    return CliRunner().invoke(program("anomaly"), where, catch_exceptions=False).output


def of_measure(lake: Lake, measure: str) -> Incident:
    """The incident of an endpoint by a measure."""
    return next(one for one in found(lake, measure) if one.scope == "endpoint")


@pytest.mark.slow
@pytest.mark.parametrize("measure", MEASURES)
def test_the_series_has_the_numbers_of_the_incident(shop: Lake, measure: str) -> None:
    """In its worst minute exactly what was seen, and what was expected."""
    one = of_measure(shop, measure)
    series = Explained(shop.places, one, CONFIG).series
    near = [p for p in series if math.isclose(p.observed, one.observed, rel_tol=1e-5)]
    assert [p for p in near if math.isclose(p.expected, one.expected, rel_tol=1e-3)]
    assert [p for p in near if math.isclose(p.upper, one.upper, rel_tol=0.05)]
    assert series[0].at <= one.opened <= one.last_breach <= series[-1].at


@pytest.mark.slow
@pytest.mark.parametrize("measure", MEASURES)
def test_an_incident_is_drawn(shop: Lake, tmp_path: Path, measure: str) -> None:
    """As a PNG of its own size, beside what is told anyway."""
    one, file = of_measure(shop, measure), tmp_path / "incident.png"
    said = told(shop, one.incident_id, "--png", str(file))
    assert said.startswith(one.sentence)
    assert file.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert file.stat().st_size > 20_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("measure", "scale"), [("traffic", "symlog"), ("server_errors", "linear"), ("latency", "log")]
)
def test_the_scale_shows_the_usual_too(shop: Lake, measure: str, scale: str) -> None:
    """Logarithmic where the peak would press it flat; shares are told from zero."""
    one = of_measure(shop, measure)
    (axes,) = figure_of(Explained(shop.places, one, CONFIG)).axes
    assert axes.get_yscale() == scale
    span = next(p for p in axes.patches if p.get_label() == "incident")
    assert span.get_window_extent().width > 0


@pytest.mark.slow
def test_a_hostile_name_is_drawn_as_it_is(shop: Lake, tmp_path: Path) -> None:
    """Nothing in it is taken for a formula."""
    one, text = of_measure(shop, "traffic"), r"/$\frac{1}$ {0} %s \n <b>"
    evil = Explained(shop.places, msgspec.structs.replace(one, sentence=text * 20), CONFIG)
    draw(evil, tmp_path / "evil.png")
    (axes,) = figure_of(evil).axes
    assert axes.get_title("left").startswith(text)


@pytest.mark.slow
def test_where_nothing_can_be_written_is_told(shop: Lake, tmp_path: Path) -> None:
    """In words, with the flag that mends it."""
    one = Explained(shop.places, of_measure(shop, "traffic"), CONFIG)
    with pytest.raises(SettingsError, match="--png"):
        draw(one, tmp_path / "none" / "x.png")


@pytest.mark.slow
def test_the_first_digits_of_an_id_are_enough(shop: Lake) -> None:
    """Where no other begins so; else it is said."""
    one = of_measure(shop, "latency")
    assert incident_named(shop.places, one.incident_id[:10]) == one
    with pytest.raises(TableError, match="several incidents"):
        incident_named(shop.places, "")
    with pytest.raises(TableError, match=r"no incident nope.*\n.*logpond anomalies"):
        incident_named(shop.places, "nope")


@pytest.mark.slow
def test_a_recount_gives_what_was_closed(shop: Lake) -> None:
    """Each minute as `logs` had it, errors and requests alike; nothing came late."""
    one = of_measure(shop, "server_errors")
    said = recounted(shop.places, one)
    assert [row["then"] for row in said.minutes] == [row["closed"] for row in said.minutes]
    assert sum(row["now"] for row in said.minutes) > 60
    assert [*said.render()] == [
        "server errors: `logs` at version 1 gives the same",
        "0 rows came late",
    ]


@pytest.fixture
def late(lake: Lake) -> Lake:
    """An incident for which seven rows came after its minutes were closed."""
    troubled(lake, every_kind, 110)
    times = [at(82.5)] * 7
    lake.put(logged(times, service="shop", endpoint="/cart", _commit="writer:1"))
    return lake


@pytest.mark.slow
def test_a_recount_says_what_came_late(late: Lake) -> None:
    """Of the version that was counted all is as it was; what `logs` holds now is more."""
    said = told(late, of_measure(late, "traffic").incident_id, "--recount")
    assert "requests: `logs` at version 1 gives the same\n7 rows came late\n" in said
    row = next(line for line in said.splitlines() if "01:22:00Z" in line).split()
    closed, then, now, more = map(int, row[-4:])
    assert (then, now, more) == (closed, closed + 7, 7)


@pytest.mark.slow
def vacuumed(lake: Lake) -> None:
    """Its files merged two hours ago, and the old ones deleted since."""
    maintenance.optimize(lake.places, LOGS.name)
    age(lake, hours=2)
    maintenance.vacuum(lake.places, LOGS.name, hours=1)
    assert store.oldest_kept(store.open_table(lake.places, LOGS)) > 1


def test_a_recount_goes_beyond_a_vacuum(late: Lake) -> None:
    """By the ledger of commits, and the rows that are still there."""
    before = recounted(late.places, of_measure(late, "traffic")).minutes
    vacuumed(late)
    assert recounted(late.places, of_measure(late, "traffic")).minutes == before


def test_a_recount_says_which_version_is_gone(late: Lake) -> None:
    """One that nobody noted cannot be counted; what is late is told all the same."""
    vacuumed(late)
    rmtree(late.places.commits)
    newest = store.open_table(late.places, LOGS)
    newest.create_checkpoint()
    for version in range(newest.version()):
        Path(late.places.delta_log(LOGS), f"{version:020d}.json").unlink()
    said = recounted(late.places, of_measure(late, "traffic"))
    assert {row["then"] for row in said.minutes} == {None}
    first, last = said.render()
    assert first.startswith("version 1 of `logs` is gone")
    assert last == "7 rows came late"


@pytest.mark.slow
def test_minutes_of_others_are_not_counted(lake: Lake) -> None:
    """A recount is of the key: the service of the endpoint has more."""
    put(lake, every_kind, 110)
    close_and_fold(lake, 110)
    endpoint, service = (
        next(one for one in found(lake, "traffic") if one.key == key)
        for key in ("shop /cart", "shop")
    )
    sums = [
        sum(row["now"] for row in recounted(lake.places, one).minutes)
        for one in (endpoint, service)
    ]
    assert sums[0] < sums[1]


@pytest.mark.slow
def test_total_silence_is_explained_by_the_wall_clock(lake: Lake) -> None:
    """No minute of it was closed; so it says."""
    troubled(lake, every_kind, 90)
    one = found(lake, key="all traffic")[0]
    later = {"opened": at(200), "last_breach": at(210), "folded_to": at(210)}
    silent = msgspec.structs.replace(one, incident_id="51e9ce", direction="silence", **later)
    write(lake.places, {silent.incident_id: silent}, CONFIG)
    said = told(lake, "51e9ce", "--recount")
    assert "judged by the wall clock, which no fold of minutes gives again\n" in said
    assert said.endswith("no closed minute of it is kept\n")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with an incident of an address; nobody changes it."""
    return scanned(Lake.at(tmp_path_factory.mktemp("site")))


@pytest.mark.slow
def test_an_address_is_explained_by_the_rows_that_were_counted(site: Lake) -> None:
    """The same numbers again."""
    one = found(site, "address")[0]
    assert (one.ip, one.direction) == (SCANNER, "scanning")
    assert told(site, one.incident_id).endswith("give the same numbers\n")


@pytest.mark.slow
def test_what_an_address_asked_for_is_drawn(site: Lake, tmp_path: Path) -> None:
    """Each minute its requests, and those in vain."""
    one, file = found(site, "address")[0], tmp_path / "address.png"
    each = Explained(site.places, one, CONFIG).requests
    assert [(a.at, a.requests, a.client_errors) for a in each if a.requests] == [
        (at(minute), 30, 30) for minute in range(70, 76)
    ]
    told(site, one.incident_id, "--png", str(file))
    assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_an_address_has_no_minutes_to_recount(site: Lake) -> None:
    """It says so, and what to do instead."""
    with pytest.raises(SettingsError, match="logpond analyze"):
        recounted(site.places, found(site, "address")[0])
