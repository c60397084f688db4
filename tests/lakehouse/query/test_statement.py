"""What is asked is told from what would change something, before an engine sees it."""

from __future__ import annotations

import pytest

from lakehouse.errors import SettingsError
from lakehouse.query.statement import Kind, readable, recognise


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("select 1", Kind.READ),
        ("-- why\n/* not */ (SELECT 1)", Kind.READ),
        ("WITH x AS (SELECT 1) FROM x;", Kind.READ),
        ("DESCRIBE logs", Kind.READ),
        ("show tables;", Kind.LIST),
        ("-- all\nSHOW ALL TABLES", Kind.LIST),
        ("DESCRIBE", Kind.LIST),
        ("SHOW logs", Kind.READ),
        ("EXPLAIN ANALYZE SELECT 1", Kind.READ),
        ("EXPLAIN ANALYZE COPY logs TO 'x'", Kind.WRITE),
        ("DESCRIBE HISTORY logs", Kind.ABOUT),
        ("-- x\ndesc detail `logs` ;", Kind.ABOUT),
        ("OPTIMIZE logs ZORDER BY (ip)", Kind.UPKEEP),
        ("/* SELECT */ VACUUM logs", Kind.UPKEEP),
        ("INSERT INTO logs SELECT 1", Kind.WRITE),
        ("drop table logs", Kind.WRITE),
        ("SET threads = 1", Kind.WRITE),
        ("INSTALL httpfs", Kind.WRITE),
    ],
)
def test_a_statement_is_recognised(sql: str, kind: Kind) -> None:
    """By its first words, comments and strings aside."""
    assert recognise(sql).kind is kind


@pytest.mark.parametrize(
    ("sql", "explained"),
    [
        ("EXPLAIN SELECT 1;", " SELECT 1"),
        ("-- why\nexplain /* all */ extended SELECT 1", " SELECT 1"),
        ("EXPLAIN (SELECT 1)", " (SELECT 1)"),
        ("SELECT 1 -- EXPLAIN", "SELECT 1 -- EXPLAIN"),
    ],
)
def test_what_is_explained_is_a_statement(sql: str, explained: str) -> None:
    """An EXPLAIN is about what follows its words; any other statement is about itself."""
    assert recognise(sql).explained == explained


@pytest.mark.parametrize("sql", ["", " ; ", "-- nothing"])
def test_no_statement_is_a_fault(sql: str) -> None:
    """Nothing asked is said, with an example."""
    with pytest.raises(SettingsError, match="no statement"):
        recognise(sql)


def test_half_a_character_is_no_text() -> None:
    """As a terminal gives bytes that are not UTF-8; DuckDB refuses them in words of its own."""
    with pytest.raises(SettingsError, match="UTF-8"):
        recognise("SELECT '\udcff'")


@pytest.mark.parametrize(
    ("sql", "instead"),
    [
        ("INSERT INTO logs VALUES (1)", "logpond stream"),
        ("COPY logs TO 'x'", "--format csv"),
        ("VACUUM", "RETAIN 168 HOURS"),
        ("selec 1", "SELECT"),
    ],
)
def test_what_writes_is_refused_with_what_to_do(sql: str, instead: str) -> None:
    """The refusal names what does it instead."""
    with pytest.raises(SettingsError, match=instead):
        readable(recognise(sql))
