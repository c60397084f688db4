"""Secrets of the containers are made once, chosen by people, and shown once."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.secrets import SECRETS, main


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The volumes of a first start, all empty, and the ports of the pages."""
    for secret in SECRETS:
        (tmp_path / secret.file).parent.mkdir(exist_ok=True)
        monkeypatch.delenv(secret.variable or "_", raising=False)
    for number, name in enumerate(("WEB", "GATEWAY", "KAFKA_UI", "GRAFANA")):
        monkeypatch.setenv(f"{name}_PORT", str(number))
    return tmp_path


def kept(root: Path) -> list[str]:
    """Every secret, as it lies there."""
    return [(root / secret.file).read_text() for secret in SECRETS]


def test_each_is_random_and_read_by_whoever_has_the_volume(root: Path) -> None:
    """Long, different, and not to be changed."""
    main(root, False)
    assert min(map(len, kept(root))) >= 32
    assert len({*kept(root)}) == len(SECRETS)
    assert {(root / secret.file).stat().st_mode & 0o777 for secret in SECRETS} == {0o444}


def test_what_is_there_stays_and_is_not_shown_again(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A second start changes nothing, and says nothing; `show` shows."""
    main(root, False)
    first, shown = kept(root), capsys.readouterr().out
    main(root, False)
    assert (kept(root), capsys.readouterr().out) == (first, "")
    main(root, True)
    assert capsys.readouterr().out == shown


def test_secrets_between_programs_are_shown_to_nobody(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the programs of a cluster know each other by, and the keys of its bucket."""
    main(root, True)
    shown = capsys.readouterr().out
    for secret in SECRETS:
        assert bool(secret.opens) == ((root / secret.file).read_text() in shown)


def test_a_chosen_one_takes_the_place_of_a_random_one(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also later."""
    main(root, False)
    monkeypatch.setenv("LOGPOND_WEB_TOKEN", "chosen-by-a-person")
    main(root, False)
    assert (root / "web" / "token").read_text() == "chosen-by-a-person"


def test_a_short_one_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It could be guessed."""
    monkeypatch.setenv("GRAFANA_PASSWORD", "logpond")
    with pytest.raises(SystemExit, match="GRAFANA_PASSWORD is shorter than 16"):
        main(root, False)
