"""Rules in live detection and over history: the same incidents, whatever happens in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from support.lakes import Lake
from support.own_rules import written
from support.trouble import CONFIG, Doing, close_minutes, put
from support.windows import at

from anomaly.alerts.alert import Change
from anomaly.engine.incident import Incident
from anomaly.lake.detection import Detection, prepare_tables
from anomaly.lake.history import History
from anomaly.lake.incidents import incidents
from anomaly.review.explain import Explained
from anomaly.rules.detection import RuleDetection
from anomaly.rules.folder import rules_in
from lakehouse import settings, store
from lakehouse.tables.catalog import LOGS

pytestmark = pytest.mark.slow

LENGTH = 150
RULES = """
[busy]
when = "count where service:shop endpoint:/cart > 700 in 5 min"
severity = "critical"
labels = {team = "shop"}
[failing]
when = "share of status:5xx > 0.8 % in 10 min"
by = ["endpoint"]
at_least = 50
[slow-sql]
when = "count > 300 in 5 min"
sql = "response_time > 65 AND service = 'shop'"
[silent]
when = "none where endpoint:/items in 12 min"
by = ["service"]
[asked]
when = "value > 20 in 5 min"
query = "SELECT endpoint, 100.0 * avg((response_time > 80)::INT) AS value FROM logs GROUP BY 1"
by = ["endpoint"]
[off]
when = "count > 1 in 1 min"
enabled = false
"""


def trouble(minute: int, endpoint: str) -> Doing:
    """A spike of the cart that goes on to the end, and a silence of the items."""
    if endpoint == "/cart" and minute >= 100:
        return Doing(times=4)
    return Doing(times=0.0) if endpoint == "/items" and 60 <= minute < 90 else Doing()


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """The rows of two and a half hours."""
    lake = Lake.at(tmp_path_factory.mktemp("rows"))
    put(lake, trouble, LENGTH)
    return store.open_table(lake.places, LOGS).to_pyarrow_table()


@dataclass
class Watched:
    """A lake, a folder of rules, and what its detection tells."""

    lake: Lake
    folder: Path
    told: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def start(self) -> Detection:
        """A detection as a start makes it."""
        own = RuleDetection(self.lake.places, self.folder, self.notes.append)
        return Detection(self.lake.places, CONFIG, on_changes=self.told.extend, own=own)

    def live(self, *ends: int, anew: bool = True) -> None:
        """Minutes close up to each of these, and are judged; `anew`: by a new start each time."""
        detection = self.start()
        for end in ends:
            close_minutes(self.lake, end)
            if anew:
                detection = self.start()
            detection()
            detection.rules()

    def history(self) -> None:
        """What `analyze` does."""
        constants = settings.load(lake=self.lake.places.lake).anomaly
        own = rules_in(self.folder)
        tell = self.told.extend
        history = History(self.lake.places, constants, CONFIG, on_changes=tell, rules=own)
        history.close()
        history.judge()

    @property
    def found(self) -> list[Incident]:
        """The incidents of rules, as if all were found live."""
        of = [one for one in incidents(self.lake.places) if one.rule and one.status != "withdrawn"]
        plain = [msgspec.structs.replace(one, of_past=False) for one in of]
        return sorted(plain, key=lambda one: (one.opened, one.incident_id))

    def named(self, rule: str) -> list[Incident]:
        """Those of a rule, the last of them last."""
        return [one for one in self.found if one.rule == rule]


def filled(lake: Lake, rows: pa.Table) -> Lake:
    """A lake with these rows, and no minute of them closed."""
    prepare_tables(lake.places, settings.load(lake=lake.places.lake).anomaly)
    lake.put(rows)
    return lake


@pytest.fixture
def watched(rows: pa.Table, lake: Lake, tmp_path: Path) -> Watched:
    """A lake with these rows, and the rules above."""
    return Watched(filled(lake, rows), written(tmp_path / "rules", RULES))


def test_live_is_history(watched: Watched, rows: pa.Table, tmp_path: Path) -> None:
    """To the digit, with labels and samples: in parts, anew each time, or all at once."""
    watched.live(*range(20, LENGTH, 20), LENGTH)
    assert {one.rule for one in watched.found} == {
        "busy",
        "failing",
        "slow-sql",
        "silent",
        "asked",
    }
    assert all(one.sample_event_ids for one in watched.named("busy"))

    for name, way in (("history", None), ("one", False), ("many", True)):
        other = Watched(filled(Lake.at(tmp_path / name), rows), watched.folder)
        if way is None:
            other.history()
            # the newest event ends the last minute only for a stream that waits for none
            other.live(LENGTH)
        else:
            other.live(37, 38, 101, LENGTH, anew=way)
        assert other.found == watched.found, name


def test_it_is_explained(watched: Watched) -> None:
    """By its rule, as long as that is the same; and with the minutes around it."""
    watched.live(LENGTH)
    watched.history()
    own = rules_in(watched.folder)
    for one in incidents(watched.lake.places):
        if one.rule:
            lines = [*Explained(watched.lake.places, one, CONFIG, own).render()]
            assert lines[-1].endswith("give the same numbers")
    (busy,) = watched.named("busy")
    series = Explained(watched.lake.places, busy, CONFIG, own).series
    assert max(point.observed for point in series) >= busy.observed > 700
    assert {point.upper for point in series} == {700.0}

    written(watched.folder, RULES.replace("700", "701"))
    changed = Explained(watched.lake.places, busy, CONFIG, rules_in(watched.folder))
    assert [*changed.render()][-1] == "judged by the rule busy, which changed since"


def test_history_tells_nobody_and_live_goes_on(watched: Watched) -> None:
    """What analyze finds is of the past; what is open is told by the detection that starts then."""
    watched.history()
    assert watched.told
    assert all(one.of_past for one in incidents(watched.lake.places) if one.rule)
    watched.told.clear()
    detection = watched.start()
    detection()
    detection.rules()
    assert {change.after.rule for change in watched.told} >= {"busy"}
    assert not any(change.after.status == "closed" for change in watched.told if change.after.rule)


def test_a_new_rule_tells_what_is_open(watched: Watched) -> None:
    """What was over before it came is of the past, and told to nobody."""
    (watched.folder / "mine.toml").write_text("")
    detection = watched.start()
    close_minutes(watched.lake, LENGTH)
    detection()
    detection.rules()
    assert watched.found == []
    watched.told.clear()

    written(watched.folder, RULES)
    detection.rules()
    told = {(change.after.rule, change.after.status) for change in watched.told}
    assert ("busy", "open") in told
    assert not any(status == "closed" for _, status in told)
    assert [one.of_past for one in incidents(watched.lake.places) if one.rule == "silent"] == [True]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the rule was removed"),
        (RULES.replace('severity = "critical"', "enabled = false"), "the rule was switched off"),
        (RULES.replace("700", "99000"), "the rule was changed"),
    ],
)
@pytest.mark.parametrize("restarts", [False, True])
def test_a_rule_that_goes_closes_its_incident(
    watched: Watched, text: str, why: str, restarts: bool
) -> None:
    """It says why, live, after a restart, and by history."""
    detection = watched.start()
    close_minutes(watched.lake, LENGTH - 5)
    detection()
    detection.rules()
    (before,) = watched.named("busy")
    assert before.status == "open"

    written(watched.folder, text)
    if restarts:
        watched.history()
    else:
        detection.rules()
    (after,) = watched.named("busy")
    assert (after.status, after.reasons[-1]) == ("closed", why)
    assert after.incident_id == before.incident_id
    assert after.sentence.endswith(why)
    assert any(change.after.incident_id == before.incident_id for change in watched.told)


def test_a_changed_rule_goes_on_with_what_it_finds(watched: Watched) -> None:
    """The same condition with another message: the same incident, which has it."""
    detection = watched.start()
    close_minutes(watched.lake, LENGTH - 5)
    detection()
    detection.rules()
    written(watched.folder, RULES.replace("[failing]", 'message = "look"\n[failing]'))
    detection.rules()
    (after,) = watched.named("busy")
    assert (after.status, after.message) == ("open", "look")


def test_a_broken_file_is_told_once_and_its_rules_go_on(watched: Watched) -> None:
    """Until it fits again; a start that finds it broken closes nothing of it."""
    detection = watched.start()
    close_minutes(watched.lake, LENGTH - 20)
    detection()
    detection.rules()
    written(watched.folder, "[busy")
    for end in (LENGTH - 10, LENGTH):
        close_minutes(watched.lake, end)
        detection()
        detection.rules()
    assert len(watched.notes) == 1
    assert "Expected" in watched.notes[0]
    assert watched.named("busy")[-1].status == "open"

    watched.start().rules()
    watched.history()
    assert watched.named("busy")[-1].status == "open"
    written(watched.folder, RULES)
    watched.live(LENGTH)
    assert watched.named("busy")[-1].status == "open"


def test_a_rule_that_fails_on_a_row_stops_alone(watched: Watched) -> None:
    """It is told, with why, and the others are judged."""
    text = '[cast]\nwhen = "count > 1 in 1 min"\nsql = "CAST(endpoint AS INTEGER) > 3"\n'
    written(watched.folder, RULES + text)
    watched.live(60, LENGTH, anew=False)
    assert len([note for note in watched.notes if "rule cast is judged no more" in note]) == 1
    assert watched.named("busy")
    assert not watched.named("cast")


def test_killed_before_its_state_is_kept(watched: Watched, rows: pa.Table) -> None:
    """What was written is found again, and what was not is written: the same rows, each once."""
    detection = watched.start()
    close_minutes(watched.lake, 120)
    detection()
    assert detection.own
    changes = detection.own.changes(store.open_table(watched.lake.places, "logs_windowed"))
    for changed, of_past in changes:
        detection._write(changed, of_past)
        break
    watched.live(LENGTH)
    there = watched.found
    assert len({one.incident_id for one in there}) == len(there)

    watched.history()
    assert watched.found == there


def test_late_rows_withdraw_what_was_none(watched: Watched) -> None:
    """The items were there: their silence is withdrawn by the next analyze, and not the rest."""
    watched.live(LENGTH)
    assert [one.endpoint for one in watched.named("silent")] == ["/items"]
    late = store.open_table(watched.lake.places, LOGS).to_pyarrow_table()
    items = late.filter(pa.compute.equal(late["endpoint"], "/items")).slice(0, 30)
    times = pa.array([at(60 + n) for n in range(30)], items.schema.field("timestamp").type)
    stamped = items.set_column(
        items.schema.get_field_index("timestamp"), items.schema.field("timestamp"), times
    )
    commits = pa.array(["late:0"] * 30, pa.string())
    name = stamped.schema.get_field_index("_commit")
    watched.lake.put(stamped.set_column(name, stamped.schema.field(name), commits), "late")

    watched.history()
    assert watched.named("silent") == []
    assert watched.named("busy")
