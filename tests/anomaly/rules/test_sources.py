"""Closed minutes, the rows that they counted and the logs of now give a rule the same numbers."""

from __future__ import annotations

import pytest
from support.lakes import Lake
from support.own_rules import folded, parts_by, rule
from support.trouble import close_minutes, put, spike

from anomaly.rules.rule import Rule
from anomaly.rules.tally import from_minutes

pytestmark = pytest.mark.slow

FROM_MINUTES = [
    "count where endpoint:/cart > 700 in 5 min",
    "count where is_error:true service:shop > 3 in 5 min",
    "count where service:(shop OR auth) -endpoint:/login > 800 in 3 min",
    "share of is_error:true where service:shop > 1 % in 10 min",
    "p95 of response_time where service:shop > 90 ms in 5 min",
    "burn of 99 % by is_error:true > 1.2 in 30 min and 5 min",
    "count where endpoint:/cart < 200 in 5 min",
    "none where endpoint:/nowhere in 20 min",
]
FROM_ROWS = ["share of status:5xx > 1 % in 5 min", "count where level:error > 2 in 5 min"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two and a half hours of a small shop with a spike; all minutes closed."""
    lake = Lake.at(tmp_path_factory.mktemp("shop"))
    put(lake, spike, 150)
    close_minutes(lake, 150)
    return lake


@pytest.mark.parametrize("when", FROM_MINUTES)
@pytest.mark.parametrize("by", [[], ["service"], ["endpoint", "service"]])
def test_minutes_give_the_numbers_of_rows(shop: Lake, when: str, by: list[str]) -> None:
    """To the digit: which way is taken is a matter of speed alone."""
    one = rule(when, by=by)
    other = Rule("mine", one.table.model_copy(update={"sql": "true"}))
    assert from_minutes(one)
    assert not from_minutes(other)

    minutes = folded(one, parts_by(shop, one, "minutes"))
    assert minutes == folded(one, parts_by(shop, one, "logs"))
    assert minutes == folded(one, parts_by(shop, other, "rows"))


@pytest.mark.parametrize("when", FROM_ROWS)
def test_what_minutes_do_not_hold_is_read_from_rows(shop: Lake, when: str) -> None:
    """A status of 5xx is no server error of closed minutes, which count lines of ERROR too."""
    one = rule(when)
    assert from_minutes(one) is None
    assert folded(one, parts_by(shop, one, "rows")) == folded(one, parts_by(shop, one, "logs"))


def test_a_query_is_asked_of_each_period(shop: Lake) -> None:
    """Its answers by the rows that minutes counted are those by the rows of now."""
    query = "SELECT service, count(*) FILTER (response_time > 80) AS value FROM logs GROUP BY 1"
    one = rule("value > 170 in 10 min", query=query, by=["service"])
    found = folded(one, parts_by(shop, one, "answers"))
    assert found == folded(one, parts_by(shop, one, "asked"))
    counted = rule("count where service:shop > 170 in 10 min")
    other = Rule("mine", counted.table.model_copy(update={"sql": "response_time > 80"}))
    # what stands for ten minutes was seen by the rolling window in its last one
    assert {at.opened for at in folded(other, parts_by(shop, other, "rows")).values()}
    assert {at.key for at in found.values()} == {"shop"}
    assert all(at.opened.minute % 10 == 9 for at in found.values())


def test_the_spike_is_found(shop: Lake) -> None:
    """With its numbers, and the service that the rule names."""
    one = rule("count where service:shop endpoint:/cart > 700 in 5 min", severity="critical")
    (incident,) = folded(one, parts_by(shop, one, "minutes")).values()
    assert (incident.key, incident.severity, incident.rule) == ("shop /cart", "critical", "mine")
    assert incident.observed > 1000
    assert "more" not in incident.sentence
    assert "rule mine" in incident.sentence
    assert incident.opened.minute in range(41, 44)
