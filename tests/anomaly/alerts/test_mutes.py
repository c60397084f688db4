"""Muted incidents are found and kept, marked, and told to nobody, until the mute ends by itself."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from click.testing import CliRunner
from support.hooks import FIRST, Receiver, alerts, until
from support.lakes import Lake
from support.trouble import CONFIG, Doing, close_minutes, found, put, spike, troubled

from anomaly.alerts.alert import Change
from anomaly.lake.detection import Detection
from lakehouse.response.mutes import Mute, Mutes, key_of
from lakehouse.terminal.commands import program

NOW = datetime.now(UTC)


def mute(key: str, until: timedelta = timedelta(hours=2)) -> Mute:
    """A mute of now."""
    return Mute(key_of(key), NOW, NOW + until)


def run(lake: Lake, *words: str) -> str:
    """What a command prints, faults too."""
    done = CliRunner().invoke(program("anomaly"), [*words, "--lake", lake.places.lake])
    return done.output + (str(done.exception) if done.exception else "")


def listed(lake: Lake) -> dict[str, bool]:
    """Whether `anomalies` shows the incidents of traffic as muted, by key."""
    rows = json.loads(run(lake, "anomalies", "--format", "json"))
    return {row["key"]: row["muted"] for row in rows if row["measure"] == "traffic"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "quiet"),
    [
        ("shop /cart", {"shop /cart"}),
        ("shop", {"shop /cart", "shop"}),
        ("global", {"shop /cart", "shop", "all traffic"}),
        ("auth", set()),
    ],
)
def test_a_key_is_muted_with_what_is_part_of_it(lake: Lake, key: str, quiet: set[str]) -> None:
    """All are found and kept as ever; those of the key are marked."""
    Mutes(lake.places).add(mute(key))
    troubled(lake, spike, 112)
    assert {one.key for one in found(lake, "traffic")} == {"shop /cart", "shop", "all traffic"}
    assert {one.key for one in found(lake, "traffic") if one.muted} == quiet


def test_an_address_is_muted_by_itself_only() -> None:
    """Not by all traffic, which it is no part of."""
    one = msgspec.structs.replace(
        FIRST,
        scope="address",
        key="203.0.113.9",
        service="",
        endpoint="",
        ip="203.0.113.9",
        measure="address",
        direction="scanning",
    )
    assert mute("203.0.113.9").covers(one)
    assert not mute("global").covers(one)


def both(minute: int, endpoint: str) -> Doing:
    """More requests of the cart, and logins that fail."""
    fails = endpoint == "/login" and 100 <= minute < 110
    return Doing(failing=0.6) if fails else spike(minute, endpoint)


@pytest.mark.slow
def test_muted_ones_page_nobody(lake: Lake) -> None:
    """Nor does all traffic, which is a part of the same trouble; what is elsewhere does."""
    receiver = Receiver()
    Mutes(lake.places).add(mute("shop"))
    put(lake, both, 112)
    with receiver.listening(), alerts(lake, receiver, old_hours=1e6) as open_alerts:
        close_minutes(lake, 112)
        Detection(lake.places, CONFIG, on_changes=open_alerts.take)()
        until(lambda: receiver.taken)
    assert {told["incident"]["service"] for told in receiver.taken} == {"auth"}


@pytest.mark.slow
def test_a_mute_ends_by_itself(lake: Lake) -> None:
    """What opens after its time is not muted; the next mute sweeps it away."""
    mutes = Mutes(lake.places)
    mutes.add(mute("shop", timedelta(seconds=-1)))
    troubled(lake, spike, 112)
    assert not [one for one in found(lake) if one.muted]
    assert mutes.now(NOW) == []


@pytest.mark.slow
def test_a_mute_that_ends_changes_no_row(lake: Lake) -> None:
    """What was muted when it changed stays marked; a fold that is repeated writes nothing."""
    Mutes(lake.places).add(mute("shop"))
    before = found(troubled(lake, spike, 112))
    Mutes(lake.places).remove("shop")
    assert Detection(lake.places, CONFIG)() == []
    assert found(lake) == before


@pytest.mark.slow
def test_one_that_was_open_already_is_shown_as_muted(lake: Lake) -> None:
    """As long as both last."""
    troubled(lake, spike, 112)
    assert listed(lake) == {"shop /cart": False, "shop": False, "all traffic": False}
    run(lake, "mute", "shop", "/cart", "--for", "2h")
    assert listed(lake) == {"shop /cart": True, "shop": False, "all traffic": False}
    run(lake, "unmute", "shop", "/cart")
    assert listed(lake)["shop /cart"] is False


def test_mutes_are_listed_until_they_end(lake: Lake) -> None:
    """With the time that is left, and why; a second one of a key replaces the first."""
    run(lake, "mute", "global", "--for", "30m")
    said = run(lake, "mute", "shop", "/cart", "--for", "3d", "--why", "deployment")
    assert said.startswith("shop /cart is muted until ")
    assert "note: no incident has been of this key so far" in said
    run(lake, "mute", "shop", "/cart", "--for", "1h", "--why", "again")
    rows = json.loads(run(lake, "mute", "--format", "json"))
    assert [(row["key"], row["why"]) for row in rows] == [
        ("all traffic", ""),
        ("shop /cart", "again"),
    ]
    assert "shop is not muted" in run(lake, "unmute", "shop")


@pytest.mark.slow
def test_a_crash_between_alert_and_table_tells_it_once(lake: Lake) -> None:
    """The next start folds the same again: the same changes under the same names."""
    receiver, heard = Receiver(), list[Change]()
    put(lake, spike, 112)
    close_minutes(lake, 112)

    with receiver.listening(), alerts(lake, receiver, old_hours=1e6) as open_alerts:

        def dies(changes: list[Change]) -> None:
            open_alerts.take(changes)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            Detection(lake.places, CONFIG, on_changes=dies)()
        assert found(lake) == []
        Detection(
            lake.places, CONFIG, on_changes=lambda c: (heard.extend(c), open_alerts.take(c))
        )()
        until(lambda: receiver.taken)
    # an endpoint, its service and all traffic are one trouble
    assert len(heard) == 3
    assert len(receiver.asked) == 1
