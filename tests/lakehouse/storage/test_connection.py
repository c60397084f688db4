"""One value, said to three clients; its secrets are in no text of it and in no option of Spark."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.code import FILES, name, text

from lakehouse.errors import SettingsError
from lakehouse.settings import Storage as Section
from lakehouse.settings import load
from lakehouse.storage import Storage, connection

SECRET = "kept-from-everybody"
ENDPOINT = "http://127.0.0.1:8333"


def of(environ: dict[str, str] | None = None, **settings: object) -> Storage:
    """The storage of these settings, over this environment."""
    return Storage.of(Section.model_validate(settings), environ or {})


def test_no_other_place_says_how_a_bucket_is_reached() -> None:
    """Every client of ours takes its settings from there."""
    words = ('"AWS_', "fs.s3a.")
    naming = {name(file) for file in FILES if any(word in text(file) for word in words)}
    assert naming == {"lakehouse/storage/connection.py"}


def test_settings_are_said_to_both_dialects(tmp_path: Path) -> None:
    """The same place and keys; Spark has the keys from its environment."""
    (tmp_path / "key").write_text(f"{SECRET}\n")
    made = of(endpoint=ENDPOINT, access_key="us", secret_key_file=str(tmp_path / "key"))

    assert made.environment() == {
        "AWS_ENDPOINT_URL": ENDPOINT,
        "AWS_REGION": "us-east-1",
        "AWS_ALLOW_HTTP": "true",
        "AWS_TIMEOUT": "30s",
        "AWS_CONNECT_TIMEOUT": "5s",
        "AWS_ACCESS_KEY_ID": "us",
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    assert made.spark()["spark.hadoop.fs.s3a.endpoint"] == ENDPOINT
    assert made.spark()["spark.hadoop.fs.s3a.connection.ssl.enabled"] == "false"
    assert SECRET not in f"{made} {made!r} {made.spark()}"


def test_the_environment_of_amazon_counts_where_settings_are_silent() -> None:
    """Keys are taken whole, from one of the two."""
    environ = {
        "AWS_ENDPOINT_URL": ENDPOINT,
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "they",
        "AWS_SECRET_ACCESS_KEY": "theirs",
        "AWS_SESSION_TOKEN": "their token",
    }
    theirs, ours = of(environ), of(environ, access_key="us", secret_key=SECRET)
    assert theirs.environment()["AWS_SESSION_TOKEN"] == "their token"
    assert (ours.endpoint, ours.region) == (ENDPOINT, "eu-west-1")
    assert "AWS_SESSION_TOKEN" not in ours.environment()


def test_executors_may_have_their_keys_from_elsewhere() -> None:
    """As from the Secrets of Kubernetes; the rest they have from us."""
    told = of(access_key="us", secret_key="s", endpoint=ENDPOINT)
    keys = {"spark.executorEnv.AWS_ACCESS_KEY_ID", "spark.executorEnv.AWS_SECRET_ACCESS_KEY"}
    assert {*told.executors()} - {*told.executors(with_keys=False)} == keys
    assert told.executors(with_keys=False)["spark.executorEnv.AWS_ENDPOINT_URL"] == ENDPOINT


def test_without_keys_it_is_the_role_of_the_machine() -> None:
    """Nothing is said of keys, and nothing of an endpoint."""
    assert {*of().environment()} == {"AWS_TIMEOUT", "AWS_CONNECT_TIMEOUT"}
    assert of().is_encrypted


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"access_key": "us"}, "belong together"),
        ({"access_key": "us", "secret_key": "s", "secret_key_file": "f"}, "both given"),
        ({"access_key": "us", "secret_key_file": "/nowhere/key"}, "No such file"),
        ({"access_key": "us", "secret_key": "two\nlines"}, "secret_key has a line break"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(given: dict[str, str], fault: str) -> None:
    """And the secret is not shown."""
    with pytest.raises(SettingsError, match=fault) as error:
        of(**given)
    assert "lines" not in str(error.value)


@pytest.mark.parametrize("endpoint", ["minio:9000", "http://us:secret@minio", "s3://lake"])
def test_an_endpoint_is_the_address_of_a_server(endpoint: str) -> None:
    """Keys are no part of it."""
    with pytest.raises(SettingsError, match=r"storage\.endpoint: .*must be http"):
        load(storage_endpoint=endpoint)


UNSET = dict.fromkeys(("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_TIMEOUT", "AWS_CONNECT_TIMEOUT"), "")
LEFT_OVER = {
    "AWS_ENDPOINT_URL_S3": "http://another:1",
    "AWS_ENDPOINT": "http://another:2",
    "AWS_ALLOW_HTTP": "true",
    "AWS_ACCESS_KEY_ID": "they",
    "AWS_SECRET_ACCESS_KEY": "theirs",
    "AWS_SESSION_TOKEN": "their token",
}


def test_settings_win_over_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that contradicts them is left for a client that looks for it under another name."""
    for variable, value in {**UNSET, **LEFT_OVER}.items():
        monkeypatch.setenv(variable, value)
    said = {"endpoint": "https://store:9000", "access_key": "us", "secret_key": SECRET}
    connection.publish(Section.model_validate(said))

    left = {each: os.environ[each] for each in LEFT_OVER if each in os.environ}
    assert left == {"AWS_ACCESS_KEY_ID": "us", "AWS_SECRET_ACCESS_KEY": SECRET}
    assert os.environ["AWS_ENDPOINT_URL"] == "https://store:9000"


def test_what_settings_do_not_say_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of the environment with their token."""
    for variable, value in {**UNSET, **LEFT_OVER}.items():
        monkeypatch.setenv(variable, value)
    connection.publish(Section())
    assert os.environ["AWS_SESSION_TOKEN"] == "their token"
    assert os.environ["AWS_ENDPOINT_URL"] == "http://another:1"
