"""What a lake weighs and will weigh: out of the log, with retention, and by service."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.aging import day
from support.asked import rows_at
from support.lakes import Lake, events
from support.windows import Pond

from analytics.look.forecast import Forecast, Share, forecast
from lakehouse import maintenance
from lakehouse.retention_settings import Retention
from lakehouse.settings import Settings, load
from lakehouse.tables.catalog import LOGS

pytestmark = pytest.mark.slow


def settings(**rules: dict[str, int]) -> Settings:
    """The settings with these rules."""
    return load().model_copy(update={"retention": Retention(**rules)})


@pytest.fixture
def ten(lake: Lake) -> Lake:
    """Ten days of as many rows: three in four of shop, the others of debug."""
    for on in range(1, 11):
        for service, count in (("shop", 300), ("debug", 100)):
            first = on * 1000
            lake.put(rows_at(day(on), range(first, first + count), service=service))
    lake.put(rows_at(day(10) + timedelta(hours=20, minutes=59), [20_000], service="shop"))
    Pond(lake).close_by_now()
    return lake


def of(lake: Lake, **rules: dict[str, int]) -> Forecast:
    """The forecast under these rules."""
    found = forecast(lake.places, settings(**rules))
    assert found
    return found


def test_it_weighs_what_its_files_do(ten: Lake) -> None:
    """And grows by the rate of the last day and a bit."""
    found = of(ten)
    names = ("logs", "traffic", "usage")
    assert found.bytes == sum(maintenance.shape(ten.places, name).bytes for name in names)
    assert found.in_7_days == pytest.approx(found.bytes + 7 * found.bytes_per_day, abs=10)
    assert found.bytes_per_day == pytest.approx(found.bytes / 10, rel=0.3)


def test_retention_bounds_it(ten: Lake) -> None:
    """Three days of logs are kept: in a month it has no more than four."""
    kept = dict.fromkeys(("logs", "traffic", "usage"), 3)
    found = of(ten, tables=kept)
    assert found.in_30_days == pytest.approx(4 * found.bytes_per_day, abs=10)
    assert found.in_30_days < found.bytes
    assert of(ten, services={"debug": 1}).in_30_days < of(ten).in_30_days


def test_each_service_has_its_share(ten: Lake) -> None:
    """By its rows, as windows count them; with the days that a rule gives it."""
    shop, debug = of(ten, services={"debug": 7}).services
    assert (shop.service, debug.service) == ("shop", "debug")
    assert (shop.share, debug.share) == (
        pytest.approx(0.75, abs=0.05),
        pytest.approx(0.25, abs=0.05),
    )
    assert (shop.kept_days, debug.kept_days) == (None, 7)
    weight = maintenance.shape(ten.places, LOGS.name).bytes
    assert shop.bytes + debug.bytes == pytest.approx(weight, rel=0.05)


def test_a_lake_without_windows_names_no_service(lake: Lake) -> None:
    """It is too young, or nothing closes them; one without rows has no forecast."""
    assert forecast(lake.places, settings()) is None
    lake.put(events([0]))
    assert of(lake).services == []


def test_what_is_kept_for_ever_only_grows() -> None:
    """What is not, is at most its days and the one that has begun."""
    first = day(10).date()
    weights = {first - timedelta(days=back): 10.0 for back in range(5)}
    assert Share(weights, 10.0, None).after(7, first) == 120
    assert Share(weights, 10.0, 2).after(0, first) == 30
    assert Share(weights, 10.0, 2).after(30, first) == 30
