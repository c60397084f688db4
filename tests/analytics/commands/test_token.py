"""Tokens are made, listed and revoked by a command, and open a server that runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from click.testing import CliRunner
from support.lakes import Lake

from analytics.commands.token import token
from analytics.commands.web import web
from lakehouse.errors import SettingsError
from lakehouse.runtime.processes import free_port

CERTIFICATE = (
    "openssl req -x509 -newkey rsa:2048 -nodes -days 2 "
    "-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
)


def run(lake: Lake, *words: str) -> str:
    """What `logpond token` prints."""
    found = CliRunner().invoke(token, [*words, "--lake", lake.places.lake], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


def test_tokens_are_listed_without_themselves(lake: Lake) -> None:
    """By name."""
    secrets = [run(lake, "create", "alice"), run(lake, "create", "bob", "--scope", "ingest")]
    listed = run(lake, "list", "--format", "json")
    assert [(one["name"], one["scope"]) for one in json.loads(listed)] == [
        ("alice", "read"),
        ("bob", "ingest"),
    ]
    assert all(len(one) > 32 and one.strip() not in listed for one in secrets)
    run(lake, "revoke", "alice")
    assert "alice" not in run(lake, "list")


def test_what_is_not_there_is_not_revoked(lake: Lake) -> None:
    """In words."""
    with pytest.raises(SettingsError, match="there is no token alice"):
        run(lake, "revoke", "alice")


@contextmanager
def started(lake: Lake, *words: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A server, once it has printed where it is."""
    command = [sys.executable, "-m", "cli", "web", "--lake", lake.places.lake]
    command += ["--port", str(free_port()), *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout
        line = server.stdout.readline()
        try:
            yield line.split(" at ")[-1].split()[0], server
        finally:
            server.terminate()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The flags of a certificate of our own."""
    folder = tmp_path_factory.mktemp("tls")
    files = [str(folder / "key.pem"), str(folder / "cert.pem")]
    subprocess.run(
        [*CERTIFICATE.split(), "-keyout", files[0], "-out", files[1]],
        check=True,
        capture_output=True,
    )
    return ["--tls-key", files[0], "--tls-cert", files[1]]


@pytest.mark.slow
def test_the_first_start_shows_a_link_once(lake: Lake, certificate: list[str]) -> None:
    """Over TLS: it signs in. A second start shows none, and the token is good still."""
    with started(lake, "--host", "0.0.0.0", *certificate) as (at, server):
        assert server.stdout
        link = server.stdout.readline().split()[-1]
        with httpx.Client(verify=certificate[3], follow_redirects=True, timeout=60) as browser:
            assert browser.get(f"{at}api/tables").status_code == 401
            assert browser.get(link).url == at
            assert [*browser.cookies] == ["__Host-logpond"]
            assert browser.get(f"{at}api/tables").status_code == 200
            assert browser.post(f"{at}logout").url == f"{at}login"
            assert browser.get(f"{at}api/tables").status_code == 401
        server.terminate()
        assert "?token=" not in server.stdout.read()
    with started(lake, "--host", "0.0.0.0") as (at, server):
        secret = link.partition("=")[2]
        headers = {"authorization": f"Bearer {secret}"}
        assert httpx.get(f"{at}api/tables", headers=headers, timeout=60).status_code == 200
        server.terminate()
        assert server.stdout
        assert "?token=" not in server.stdout.read()


@pytest.mark.slow
def test_on_this_machine_the_owner_needs_none(lake: Lake) -> None:
    """And a token that is made meanwhile works at once."""
    with started(lake) as (at, _):
        assert httpx.get(f"{at}api/tables", timeout=60).status_code == 200
        secret = run(lake, "create", "prometheus", "--scope", "metrics").strip()
        headers = {"authorization": f"Bearer {secret}"}
        assert httpx.get(f"{at}metrics", headers=headers, timeout=60).status_code == 200
        assert httpx.get(f"{at}api/tables", headers=headers, timeout=60).status_code == 403


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--tls-cert", "x.pem"], "belong together"),
        (["--tls-cert", "x.pem", "--tls-key", "y.pem"], "no file x.pem"),
        (["--tls-cert", __file__, "--tls-key", __file__], "no certificate and its key"),
        (["--host", "192.0.2.1"], "cannot listen at 192.0.2.1"),
    ],
)
def test_what_does_not_fit_is_said_before_it_starts(
    lake: Lake, flags: list[str], said: str
) -> None:
    """In one line, and no token is made."""
    found = CliRunner().invoke(web, ["--lake", lake.places.lake, *flags])
    assert isinstance(found.exception, SettingsError)
    assert said in found.exception.what
