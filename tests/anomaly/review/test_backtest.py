"""What other constants would have raised stands beside what was raised."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from support.hooks import FIRST
from support.lakes import Lake
from support.trouble import CONFIG, SCANNER, USUAL, Doing, found, scanned, troubled

from anomaly.engine.incident import Incident
from anomaly.lake.fold import judged
from anomaly.review.backtest import compare, totals
from lakehouse import store
from lakehouse.settings import CONF
from lakehouse.tables.catalog import ANOMALIES
from lakehouse.tables.rollups import MINUTES
from lakehouse.terminal.commands import program


def two_spikes(minute: int, endpoint: str) -> Doing:
    """One of four times the usual, and a smaller one an hour later."""
    if endpoint != "/cart":
        return USUAL
    return Doing(times=4) if 80 <= minute < 86 else Doing(2.2) if 150 <= minute < 160 else USUAL


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake with both spikes; nobody changes it."""
    return troubled(Lake.at(tmp_path_factory.mktemp("shop")), two_spikes, 180)


def later(one: Incident, minutes: int, severity: str = "warning") -> Incident:
    """The same trouble, opened so many minutes later."""
    by = timedelta(minutes=minutes)
    times = {"opened": one.opened + by, "last_breach": one.last_breach + by}
    name = f"{minutes:016x}"
    return msgspec.structs.replace(one, incident_id=name, severity=severity, **times)


def backtest(lake: Lake, *words: str) -> Result:
    """The command, as JSON."""
    given = ["backtest", *words, "--lake", lake.places.lake, "--format", "json"]
    return CliRunner().invoke(program("anomaly"), given, catch_exceptions=False)


def test_each_incident_is_in_one_row() -> None:
    """The same trouble in one for both; the nearest where several touch."""
    raised = [FIRST, later(FIRST, 60)]
    other = [later(FIRST, 0, "critical"), later(FIRST, 300)]
    rows = compare(raised, other)
    assert [row["found"] for row in rows] == ["both", "only raised", "only other"]
    assert rows[0]["later_minutes"] == 0
    assert (rows[0]["severity"], rows[0]["other_severity"]) == ("warning", "critical")
    assert totals(rows) == (
        "1 in both (0 opened at another minute, 1 with another severity), "
        "1 only raised, 1 only by the other"
    )


@pytest.mark.parametrize("field", ["key", "measure", "direction"])
def test_other_trouble_at_the_same_time_is_not_the_same(field: str) -> None:
    """Key, measure and direction have to be equal."""
    rows = compare([FIRST], [msgspec.structs.replace(FIRST, **{field: "down"})])
    assert {row["found"] for row in rows} == {"only raised", "only other"}


@pytest.mark.slow
def test_the_same_constants_raise_the_same(shop: Lake) -> None:
    """Every row is in both, at the same minute."""
    done = backtest(shop)
    rows = json.loads(done.stdout)
    assert len(rows) == len(found(shop)) > 0
    assert {(row["found"], row["later_minutes"]) for row in rows} == {("both", 0)}
    assert f"{len(rows)} in both (0 opened at another minute" in done.stderr


@pytest.mark.slow
def test_other_constants_raise_others(shop: Lake, tmp_path: Path) -> None:
    """With a wider gate the smaller spike would not have been raised."""
    other = tmp_path / "other.toml"
    text = (CONF / "anomaly.toml").read_text()
    other.write_text(text.replace("spike_ratio = 1.3", "spike_ratio = 3.0"))
    rows = [
        row
        for row in json.loads(backtest(shop, "--config", str(other)).stdout)
        if row["key"] == "shop /cart"
    ]
    assert [row["found"] for row in rows] == ["both", "only raised"]


@pytest.mark.slow
def test_analysis_says_what_would_go(shop: Lake, tmp_path: Path) -> None:
    """By the same rows, in words of a change; what was raised stays as it was."""
    other = tmp_path / "other.toml"
    text = (CONF / "anomaly.toml").read_text()
    other.write_text(text.replace("spike_ratio = 1.3", "spike_ratio = 3.0"))
    version = store.open_table(shop.places, ANOMALIES).version()
    words = ["analyze", "--config", str(other), "--compare", "--format", "json"]
    said = CliRunner().invoke(program("anomaly"), [*words, "--lake", shop.places.lake])
    rows = [row["found"] for row in json.loads(said.stdout) if row["key"] == "shop /cart"]
    assert rows == ["stays", "goes"]
    assert "1 would stay, 2 go, 0 come" in said.stderr
    assert store.open_table(shop.places, ANOMALIES).version() == version


@pytest.mark.slow
def test_since_selects_what_is_shown(shop: Lake) -> None:
    """By when it went on; a length of time is one back from now."""
    middle = found(shop, key="shop /cart")[1].opened.isoformat()
    all_rows, some = (
        json.loads(backtest(shop, "--since", since).stdout) for since in ("2000-01-01", middle)
    )
    assert 0 < len(some) < len(all_rows)
    assert json.loads(backtest(shop, "--since", "7d").stdout) == []


@pytest.mark.slow
def test_the_plain_method_runs_on_the_lake(shop: Lake) -> None:
    """Background ours, and by itself; it says z, and no chance."""
    table = store.open_table(shop.places, MINUTES.name)
    plain = judged(table, CONFIG, "zscore")
    rows = json.loads(backtest(shop, "--method", "zscore").stdout)
    assert {row["found"] for row in rows} >= {"both", "only other"}
    assert len(plain) == sum(row["found"] != "only raised" for row in rows)
    words = ["analyze", "--method", "zscore", "--lake", shop.places.lake, "--format", "json"]
    told = json.loads(CliRunner().invoke(program("anomaly"), words).stdout)
    assert {one["incident_id"] for one in told} == plain.keys()
    assert all(": z " in one["sentence"] and "chance" not in one["sentence"] for one in told)


@pytest.mark.slow
def test_addresses_are_judged_again_too(lake: Lake, tmp_path: Path) -> None:
    """By the constants that are given; the plain method knows none."""
    scanned(lake)
    other = tmp_path / "other.toml"
    other.write_text(f'[addresses]\nignore = ["{SCANNER}"]\n')
    same, ignored, plain = (
        [(row["found"], row["key"]) for row in json.loads(backtest(lake, *words).stdout)]
        for words in ([], ["--config", str(other)], ["--method", "zscore"])
    )
    assert ("both", SCANNER) in same
    assert ("only raised", SCANNER) in ignored
    assert SCANNER not in {key for _, key in plain}
