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


def test_tables_are_named_by_words_and_not_by_strings() -> None:
    """Quoted names count; what stands in a string or a comment does not."""
    words = recognise("""SELECT 'quarantine' FROM "Logs", `odd-one` -- traffic""").words
    assert {"logs", "odd-one"} <= words
    assert not words & {"quarantine", "traffic"}


@pytest.mark.parametrize("sql", ["", " ; ", "-- nothing"])
def test_no_statement_is_a_fault(sql: str) -> None:
    """Nothing asked is said, with an example."""
    with pytest.raises(SettingsError, match="no statement"):
        recognise(sql)


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
