"""Settings of a session: what a transaction undoes, what is local to it, and what is refused."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from support.lakes import Lake
from support.postgres import psql, served

pytestmark = pytest.mark.slow
COUNT, VERSION = "SELECT count(*) FROM logs", "SHOW logpond.version"


def _after(client: psycopg.Connection[Any], statements: str) -> str:
    """What is read after statements, of which some may fail."""
    for statement in statements.split("; "):
        try:
            client.execute(statement)
        except psycopg.Error:
            continue
    return str((client.execute(VERSION).fetchone() or [""])[0])


@pytest.mark.parametrize(
    ("statements", "left"),
    [
        ("BEGIN; SET LOCAL logpond.version = 1; COMMIT", ""),
        ("BEGIN; SET LOCAL logpond.version = 1; ROLLBACK", ""),
        ("BEGIN; SET LOCAL logpond.version = 1", "1"),
        ("BEGIN; SET logpond.version = 1; ROLLBACK", ""),
        ("BEGIN; SET logpond.version = 1; COMMIT", "1"),
        ("BEGIN; SET logpond.version = 1; SELEC; COMMIT", ""),
        ("BEGIN; SET logpond.version = 1; SELEC; ROLLBACK", ""),
        ("SET logpond.version = 1; BEGIN; RESET ALL; ROLLBACK", "1"),
        ("SET logpond.version = 1; BEGIN; SET logpond.as_of = '-1s'; ROLLBACK", "1"),
        ("SET logpond.version = 1; BEGIN; SET LOCAL logpond.as_of = '-1s'; COMMIT", "1"),
        ("BEGIN; SET LOCAL logpond.version = 1; SET logpond.version = 0; COMMIT", "0"),
        ("BEGIN; SAVEPOINT a; SET logpond.version = 1; ROLLBACK TO SAVEPOINT a; COMMIT", ""),
        ("BEGIN; SET logpond.version = 1; SAVEPOINT a; SELEC; ROLLBACK TO a; COMMIT", "1"),
        ("BEGIN; SAVEPOINT a; SET logpond.version = 1; RELEASE a; COMMIT", "1"),
        ("SET LOCAL logpond.version = 1", ""),
        ("SET logpond.version = 1; DISCARD ALL", ""),
        ("SET logpond.version = 1; RESET ALL", ""),
        ("SET logpond.version = 1; BEGIN; DISCARD ALL; ROLLBACK", "1"),
        ("SELECT set_config('logpond.version', '1', false)", "1"),
        ("SELECT pg_catalog.set_config('logpond.version', '1', true)", ""),
        ("BEGIN; SELECT set_config('logpond.version', '1', true)", "1"),
        ("BEGIN; SELECT set_config('logpond.version', '1', true); COMMIT", ""),
    ],
)
def test_a_transaction_undoes_settings(
    client: psycopg.Connection[Any], statements: str, left: str
) -> None:
    """As PostgreSQL does; so no later question reads the past unasked."""
    assert _after(client, statements) == left


def test_statements_of_one_request_are_a_transaction(client: psycopg.Connection[Any]) -> None:
    """A failure undoes what was set before it; a local setting is of the others, too."""
    with pytest.raises(psycopg.Error):
        client.execute("SET logpond.version = 1; SELEC")
    assert _after(client, "SELECT 1") == ""
    found = client.execute(f"SET LOCAL logpond.version = 1; {VERSION}")
    assert found.nextset()
    assert found.fetchone() == ("1",)
    assert _after(client, "SELECT 1") == ""


def test_a_local_setting_without_a_transaction_warns(client: psycopg.Connection[Any]) -> None:
    """With PostgreSQL's code."""
    notices: list[str | None] = []
    client.add_notice_handler(lambda found: notices.append(found.sqlstate))
    client.execute("SET LOCAL logpond.version = 1")
    client.execute("BEGIN; SET LOCAL logpond.version = 1")
    assert notices == ["25P01"]


def test_a_client_is_told_of_what_is_undone(client: psycopg.Connection[Any]) -> None:
    """psycopg makes times in the zone that it was told."""
    for ending in ("ROLLBACK", "COMMIT"):
        client.execute("BEGIN")
        client.execute("SET LOCAL timezone = 'europe/berlin'")
        assert client.info.parameter_status("TimeZone") == "Europe/Berlin"
        client.execute(ending)
        assert client.info.parameter_status("TimeZone") == "UTC"
    client.execute("SET timezone = 'Asia/Tokyo'")
    client.execute("RESET ALL")
    assert client.info.parameter_status("TimeZone") == "UTC"


def test_a_pool_leaves_nothing(port: int) -> None:
    """SQLAlchemy's gives a connection to the next one after a ROLLBACK."""
    engine = sa.create_engine(f"postgresql+psycopg://me@127.0.0.1:{port}/logpond", pool_size=1)
    with engine.connect() as connection:
        now = connection.execute(sa.text(COUNT)).scalar()
        connection.execute(sa.text("SET logpond.version = '0'"))
    with engine.connect() as connection:
        assert connection.execute(sa.text(COUNT)).scalar() == now
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "zone"),
    [
        ("SET TIME ZONE -5", "Etc/GMT+5"),
        ("SET TIME ZONE '+2'", "Etc/GMT-2"),
        ("SET timezone = 'GMT+02:00'", "Etc/GMT+2"),
        ("SET timezone = 'utc'", "UTC"),
        ("SET TIME ZONE 'America/New_York'", "America/New_York"),
        ("SET TIME ZONE DEFAULT", "UTC"),
    ],
)
def test_a_zone_is_one_that_tables_are_read_in(
    client: psycopg.Connection[Any], statement: str, zone: str
) -> None:
    """Hours get the name of their zone."""
    client.execute(statement)
    assert client.info.parameter_status("TimeZone") == zone
    assert client.execute("SELECT max(timestamp) FROM logs").fetchone()


@pytest.mark.parametrize(
    "statement",
    [
        "SET timezone = 'Nope/X'",
        "SET TIME ZONE 5.5",
        "SET TIME ZONE '+02:00'",
        "SET TIME ZONE INTERVAL '-08:00' HOUR TO MINUTE",
        "SET datestyle = 'German'",
        "SET intervalstyle = 'iso_8601'",
        "SET bytea_output = 'escape'",
        "SET standard_conforming_strings = off",
        "SELECT set_config('timezone', 'Nope/X', false)",
    ],
)
def test_what_cannot_be_is_refused_when_it_is_set(
    client: psycopg.Connection[Any], statement: str
) -> None:
    """Rather than that each later question fails, or is read wrongly."""
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        client.execute(statement)
    assert client.execute("SELECT count(*) > 0 FROM logs").fetchone() == (True,)


def test_a_connection_begins_with_a_zone_that_is_one(port: int) -> None:
    """Or it is refused, as PostgreSQL does."""
    address = f"host=127.0.0.1 port={port} user=me"
    with pytest.raises(psycopg.OperationalError, match="there is no time zone"):
        psycopg.connect(address, options="-c timezone=Nope/X")


def test_set_config_takes_what_stands_there(client: psycopg.Connection[Any]) -> None:
    """Bound values too; what would have to be worked out is refused, not passed over."""
    bound = client.execute("SELECT set_config(%s, %s, %s)", ("logpond.version", "1", False))
    assert bound.fetchone() == ("1",)
    assert client.execute(VERSION).fetchone() == ("1",)
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="as they stand there"):
        client.execute("SELECT set_config('logpond.as_of', '-' || '1s', false)")


def test_psql_shows_the_types_of_columns(port: int) -> None:
    """By its own question, which names no table of the catalog."""
    asked = "SELECT 1::INTEGER AS a, 2::BIGINT AS b, now() AS c, 'x' AS d, timestamp AS e FROM logs"
    found = psql(port, "-t", "-f", "-", stdin=f"{asked} \\gdesc\n")
    zoned = "timestamp with time zone"
    assert found.splitlines() == ["a|integer", "b|bigint", f"c|{zoned}", "d|text", f"e|{zoned}"]


def test_one_too_many_hears_why(lake: Lake) -> None:
    """Whatever it asks for first, TLS or another way to encrypt; it may cancel all the same."""
    with served(lake.places, most=4) as port, ExitStack() as stack:
        address = f"host=127.0.0.1 port={port} user=me"
        clients = [stack.enter_context(psycopg.connect(address)) for _ in range(4)]
        for mode in ("disable", "prefer"):
            with pytest.raises(psycopg.OperationalError, match="4 clients are connected already"):
                psycopg.connect(address, sslmode=mode)
        with pytest.raises(psycopg.OperationalError, match="SSL"):
            psycopg.connect(address, sslmode="require")
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
        assert clients[0].execute("SELECT 1").fetchone() == (1,)
        for one in silent:
            one.close()
