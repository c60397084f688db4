"""Rules of a detection that is killed anywhere, of a lake in a folder or in a bucket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path

import msgspec
import pytest
from support.bucket import Bucket
from support.hooks import Receiver
from support.lakes import Lake
from support.own_rules import written
from support.trouble import CONFIG, Doing, close_minutes, put

from anomaly.engine.incident import Incident
from anomaly.lake.detection import Detection
from anomaly.lake.incidents import incidents
from anomaly.rules import detection as of_rules
from anomaly.rules.detection import RuleDetection
from anomaly.rules.fold import RuleFold
from lakehouse.paths import Places

pytestmark = pytest.mark.slow

LENGTH, MIDDLE = 150, 104
RULES = """
[busy]
when = "count where service:shop endpoint:/cart > 700 in 5 min"
labels = {team = "shop"}
[slow-sql]
when = "count > 300 in 5 min"
sql = "response_time > 65 AND service = 'shop'"
by = ["endpoint"]
"""
# Where it is killed: while it folds, before and after incidents are written, and their state.
STEPS = ("folding", "telling", "told", "keeping", "kept")


def trouble(minute: int, endpoint: str) -> Doing:
    """A spike of the cart from the hundredth minute on, and errors of the login at the end."""
    if endpoint == "/login" and minute >= 140:
        return Doing(failing=0.4)
    return Doing(times=4 if endpoint == "/cart" and minute >= 100 else 1)


def judge(lake: Lake, rules: Path, until: int) -> None:
    """What a start of detection does: minutes are closed and judged, by rules too."""
    close_minutes(lake, until)
    detection = Detection(lake.places, CONFIG, own=RuleDetection(lake.places, rules))
    detection()
    detection.rules()


def judge_and_die(url: str, rules: str, step: str) -> None:
    """The same in a process of its own, which is killed at a step of the rules."""

    def die(*_any: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    places, patch = Places.at(url), pytest.MonkeyPatch()
    close_minutes(Lake(places), MIDDLE)
    Detection(places, CONFIG)()
    detection = Detection(places, CONFIG, own=RuleDetection(places, Path(rules)))
    detection()
    if step == "folding":
        patch.setattr(RuleFold, "_judge", die)
    elif step == "telling":
        detection.on_changes = die
    elif step == "told":
        detection.on_incident = die
    elif step == "keeping":
        patch.setattr(of_rules, "keep", die)
    detection.rules()
    die()


def found(lake: Lake) -> list[Incident]:
    """The incidents of rules, in order of opening; a first look finds what is over of the past."""
    own = [msgspec.structs.replace(o, of_past=False) for o in incidents(lake.places) if o.rule]
    return sorted(own, key=lambda one: (one.opened, one.incident_id))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Incident]:
    """What rules find where nothing is killed."""
    lake, folder = Lake.at(tmp_path_factory.mktemp("whole")), tmp_path_factory.mktemp("rules")
    put(lake, trouble, LENGTH)
    for until in (MIDDLE, LENGTH):
        judge(lake, written(folder, RULES), until)
    assert {one.rule for one in found(lake)} == {"busy", "slow-sql"}
    return found(lake)


def killed(lake: Lake, rules: Path, step: str) -> None:
    """Has a detection of this lake killed, by a signal that nobody can catch."""
    words = (lake.places.lake, str(rules), step)
    process = get_context("spawn").Process(target=judge_and_die, args=words)
    process.start()
    process.join(120)
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_changes_nothing(
    lake: Lake, whole: list[Incident], tmp_path: Path, step: str
) -> None:
    """Each incident once, to the digit, wherever the process was."""
    rules = written(tmp_path / "rules", RULES)
    put(lake, trouble, LENGTH)
    killed(lake, rules, step)
    judge(lake, rules, LENGTH)
    assert found(lake) == whole


def test_a_lake_in_a_bucket_has_the_same(
    bucket: Bucket, whole: list[Incident], tmp_path: Path
) -> None:
    """A real S3; killed while it folds, and gone on with by another process."""
    lake, rules = Lake(Places.at(bucket.url)), written(tmp_path / "rules", RULES)
    put(lake, trouble, LENGTH)
    killed(lake, rules, "folding")
    judge(lake, rules, LENGTH)
    assert found(lake) == whole


@pytest.mark.spark
@pytest.mark.nightly
def test_a_receiver_is_told_by_detect_of_a_bucket(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`logpond detect --once` over `s3://...`: of the rule's incident and of what it found."""
    put(Lake(Places.at(bucket.url)), trouble, LENGTH)
    monkeypatch.chdir(tmp_path)
    with Receiver().listening() as receiver:
        own = {
            "LOGPOND_RULES": str(written(tmp_path / "rules", RULES)),
            "LOGPOND_WEBHOOK_URL": receiver.url,
            "LOGPOND_WEBHOOK_OLD_HOURS": "1000000",
        }
        words = [sys.executable, "-m", "cli", "detect", "--once", "--lake", bucket.url]
        env = {**os.environ, **own}
        done = subprocess.run(words, capture_output=True, text=True, timeout=250, env=env)
    assert done.returncode == 0, done.stdout + done.stderr

    told = [one["incident"] for one in receiver.taken]
    assert {one["rule"] for one in told} >= {"busy", "slow-sql"}
    assert "auth /login" in {one["key"] for one in told}
