"""A detector of a new measure is one file: judged, worded, explained, drawn, shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.extra_detector import ceiling
from support.lakes import Lake
from support.pages import pages
from support.trouble import USUAL, Doing, found, troubled

from anomaly.engine.incident import Incident
from lakehouse.terminal.commands import program

pytestmark = pytest.mark.slow
MEASURE = "queue_length"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """A lake that was judged by one more detector, which is still there."""

    def busy(minute: int, endpoint: str) -> Doing:
        return Doing(times=4) if endpoint == "/cart" and 100 <= minute < 110 else USUAL

    with ceiling(tmp_path_factory.mktemp("detectors"), MEASURE):
        yield troubled(Lake.at(tmp_path_factory.mktemp("shop")), busy)


@pytest.fixture
def of_cart(shop: Lake) -> Incident:
    """What it found of an endpoint."""
    (one,) = found(shop, MEASURE, "shop /cart")
    return one


def test_it_is_worded_by_its_name(of_cart: Incident) -> None:
    """What is seen and expected, with the name of the measure as its unit."""
    assert f"{of_cart.observed:.0f} queue length, expected 150" in of_cart.sentence


def test_evidence_is_read(of_cart: Incident) -> None:
    """Any rows of its key."""
    assert len(of_cart.sample_event_ids) == 5


def test_it_is_explained_and_drawn(shop: Lake, of_cart: Incident, tmp_path: Path) -> None:
    """Folded again it is the same, and its own series is in the picture."""
    file = tmp_path / "it.png"
    words = ["explain", of_cart.incident_id, "--lake", shop.places.lake, "--png", str(file)]
    output = CliRunner().invoke(program("anomaly"), words, catch_exceptions=False).output

    assert "give the same numbers" in output
    assert file.stat().st_size > 20_000


def test_the_page_shows_it(shop: Lake, of_cart: Incident) -> None:
    """By its name; closed minutes do not count it, so the numbers come with the explanation."""
    client = pages(shop)
    page = client.get(f"/incidents/{of_cart.incident_id}").raise_for_status().text
    series = client.get(f"/api/incidents/{of_cart.incident_id}").raise_for_status().json()["series"]

    assert "queue length" in page
    assert {value for _, value in series} == {None}
