"""A bucket that is not reached is one sentence, in every command, and no secret is in it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from support.bucket import Bucket

from lakehouse.errors import LogpondError, SettingsError, StorageError
from lakehouse.storage import reach, trial
from lakehouse.store import objects

WRONG = "a-wrong-secret"
CASES = {
    "a wrong secret": ({"AWS_SECRET_ACCESS_KEY": WRONG}, "lake", "refuses the keys for s3://lake"),
    "a wrong user": ({"AWS_ACCESS_KEY_ID": "nobody"}, "lake", "refuses the keys for s3://lake"),
    "no server": ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "lake", "no answer from http://127"),
    "no bucket": ({}, "nowhere", "there is no bucket s3://nowhere at http://127"),
}


@pytest.fixture(autouse=True)
def _asked_anew() -> None:
    """What answered another test says nothing here."""
    reach.answered.clear()


@pytest.mark.parametrize(("wrong", "name", "words"), CASES.values(), ids=CASES)
def test_why_a_bucket_is_not_reached(
    wrong: dict[str, str],
    name: str,
    words: str,
    bucket: Bucket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Objects and tables say it alike, within seconds."""
    for variable, value in wrong.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(StorageError, match=words) as error:
        objects.store(f"s3://{name}/x")
    assert WRONG not in str(error.value)
    assert bucket.server.secret_key not in str(error.value)


@pytest.mark.parametrize("place", ["ftp://lake/x", "s3:///x"])
def test_what_is_no_place_of_a_lake(place: str) -> None:
    """It is refused before anything is asked."""
    with pytest.raises(SettingsError, match="no place of a lake"):
        reach.check(place)


def test_a_server_that_goes_away_is_the_same_sentence(bucket: Bucket) -> None:
    """Also where a library reports it, long after the first look."""
    text = (
        "Generic S3 error: Error performing PUT http://127.0.0.1:9/lake/x in 1s, after 10 "
        "retries - HTTP error: error sending request"
    )
    found = reach.fault(OSError(text), "s3://lake")
    assert isinstance(found, StorageError)
    assert "no answer from" in str(found)


def test_other_errors_are_not_taken_for_one() -> None:
    """A file of this machine is none of a bucket."""
    assert reach.fault(OSError("No such file or directory: 'x'")) is None


COMMANDS = (
    "tables",
    "verify",
    "status",
    "sql SELECT(1)FROM(logs)",
    "history logs",
    "optimize logs",
    "vacuum logs",
    "upkeep",
    "stream --once",
    "detect --once",
    "analyze",
    "import pyproject.toml",
    "anomalies",
    "report top-errors",
)


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_says_it(words: str, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the exit code of a bucket, and before Spark is started."""
    from cli.__main__ import logpond

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", WRONG)
    done = CliRunner().invoke(logpond, [*words.split(), "--lake", bucket.url])
    assert isinstance(done.exception, LogpondError), (done.output, done.exception)
    assert "refuses the keys" in str(done.exception)
    assert done.exception.exit_code == 8


def test_keys_for_a_part_of_a_bucket_will_do(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lake is in that part; elsewhere they are refused."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", bucket.server.part_key)
    with pytest.raises(StorageError, match="refuses the keys"):
        reach.check(bucket.url)
    assert trial.run(f"s3://lake/part/{bucket.url[-12:]}").is_conditional
