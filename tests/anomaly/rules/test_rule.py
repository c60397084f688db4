"""What a rule may say, and what is told of one that says something else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.own_rules import rule, written

from anomaly.rules import kinds, predicate
from anomaly.rules.folder import LARGEST_BYTES, rules_in, state_of
from anomaly.rules.rule import Rule, kinds_of_conditions, parsed
from lakehouse.settings import CONF

FINE = '[fine]\nwhen = "count > 1 in 1 min"\n'


def faults(tmp_path: Path, text: str | bytes) -> list[str]:
    """What is told of a file, beside one that is fine."""
    folder = written(tmp_path / "rules", FINE, "a.toml")
    content = text if isinstance(text, bytes) else text.encode()
    (folder / "b.toml").write_bytes(content)
    found = rules_in(folder)
    assert "fine" in found.rules
    return [fault.removeprefix(f"{folder / 'b.toml'}") for fault in found.faults]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[x]\nwhen = "count > NaN in 5 min"', "line 2: x.when: NaN is no number"),
        ('[x]\nwhen = "count > 5 in 0 min"', "0 min is no period: write 1 min to 7 d"),
        ('[x]\nwhen = "count > 5 in 9999999 d"', "is no period"),
        ('[x]\nwhen = "count > 1e400 in 5 min"', "1e400 is no number"),
        ('[x]\nwhen = "count > -5 in 5 min"', "-5 is no number"),
        ('[x]\nwhen = "many > 5 in 5 min"', "is no condition: write one as"),
        ('[x]\nwhen = "count where statux:500 > 5 in 5 min"', "statux is no field; did you mean"),
        ("[x]\nwhen = \"count where level = 'ERROR' > 5 in 5 min\"", "this is SQL: write level:"),
        ('[x]\nwhen = "p0 of response_time > 5 in 5 min"', "p0 is no percentile"),
        ('[x]\nwhen = "p95 of service > 5 in 5 min"', "service has no percentiles"),
        ('[x]\nwhen = "burn of 100 % by status:5xx > 5 in 1 h and 5 min"', "is no objective"),
        ('[x]\nwhen = "count > 5 in 5 min"\nby = ["srevice"]', "x.by: nothing is grouped by srev"),
        ('[x]\nwhen = "count > 5 in 5 min"\nby = ["a","b","c","d"]', "x.by"),
        ('[x]\nwhen = "count > 5 in 5 min"\nseverty = "info"', "line 3: x.severty: there is no su"),
        ('[x]\nwhen = "count > 5 in 5 min"\nseverity = "loud"', "x.severity: Input should be"),
        ('[x]\nwhen = "count > 5 in 5 min"\nrunbook = "javascript:alert(1)"', "a runbook is an ad"),
        ('[x]\nwhen = "count > 5 in 5 min"\nat_least = 0', "x.at_least"),
        ('[x]\nwhen = "count > 5 in 5 min"\nlabels = {"a b" = "c"}', "no name of a label"),
        ('[x]\nwhen = "count where a > 5 in 5 min"\nsql = "true"', "give one of them"),
        ('[x]\nwhen = "count > 5 in 5 min"\nsql = "now() > timestamp"', "now() is no function of"),
        (f'[x]\nwhen = "count where {"a" * 5000} > 5 in 5 min"', "x.when"),
        (f'[x]\nwhen = "count where {"a " * 90} > 5 in 5 min"', "at most 60 terms"),
        ('[X y]\nwhen = "count > 5 in 5 min"', "Expected"),
        ('["X y"]\nwhen = "count > 5 in 5 min"', "a name is small letters"),
        ('[fine]\nwhen = "count > 5 in 5 min"', "a.toml has a rule of this name; rename one"),
        (f"{FINE}{FINE}", "twice"),
        ("when = 3", "when"),
        ("[x", "Expected"),
        (b"\xff\xfe[x]", "line 1: this is not UTF-8"),
        (b"#" * 10_000_000, "this is 10.0 MB, and a file of rules has at most 256 kB"),
    ],
)
def test_a_broken_file_is_told_and_the_others_go_on(
    tmp_path: Path, text: str | bytes, expected: str
) -> None:
    """In a sentence with its file, line and key; nothing of it is printed back at length."""
    told = faults(tmp_path, text)
    assert len(told) == 1
    assert expected in told[0]
    assert len(told[0]) < 700
    assert "\n" not in told[0]


def test_the_other_tables_of_a_file_go_on(tmp_path: Path) -> None:
    """One wrong rule takes none of its neighbours with it."""
    text = '[good]\nwhen = "count > 5 in 5 min"\n[bad]\nwhen = "x"\n'
    folder = written(tmp_path / "rules", text)
    found = rules_in(folder)
    assert [*found.rules] == ["good"]
    assert len(found.faults) == 1


def test_a_folder_that_is_not_there_has_no_rules(tmp_path: Path) -> None:
    """As has a lake of somebody who has written none."""
    assert rules_in(tmp_path / "none") == rules_in(tmp_path)
    assert state_of(tmp_path / "none") == ()


def test_what_is_shipped_is_fine_and_off() -> None:
    """Each example is a rule that fits, and none is judged before somebody wants it."""
    found = rules_in(CONF / "rules")
    assert not found.faults
    assert len(found.rules) == 4
    assert not found.enabled
    assert (CONF / "rules" / "examples.toml").stat().st_size < LARGEST_BYTES


@pytest.mark.parametrize(
    "sql",
    [
        "true) UNION SELECT * FROM logs WHERE (true",
        "true; SELECT 1",
        "true) --",
        "EXISTS (SELECT 1)",
        "message IN (SELECT content FROM read_text('/etc/passwd'))",
        "getenv('HOME') = 'x'",
        "random() < 0.5",
        "timestamp > now()",
        "timestamp > current_timestamp",
        "age(timestamp) > INTERVAL 1 DAY",
        "count(*) > 3",
        "row_number() OVER () > 3",
        "foo = 3",
    ],
)
def test_sql_looks_at_its_row_alone(sql: str) -> None:
    """It reads nothing else, and says the same of a row at each time."""
    with pytest.raises(ValueError, match=r"\w"):
        predicate.check(sql)


def test_sql_of_a_row_is_taken(tmp_path: Path) -> None:
    """With functions, and attributes."""
    sql = (
        "level = 'ERROR' AND service = 'billing' AND regexp_matches(message, 'time.*out') "
        "AND coalesce(attributes['tenant'], '') ILIKE 'a%' AND response_time / 2 > 3"
    )
    text = f'[x]\nwhen = "count > 1 in 1 min"\nsql = """{sql}"""'
    assert not rules_in(written(tmp_path / "rules", text)).faults


def test_a_rule_is_its_words() -> None:
    """Its hash changes with any of them."""
    one = rule("count > 5 in 5 min")
    others = [
        rule("count > 6 in 5 min"),
        rule("count > 5 in 5 min", "other"),
        rule("count > 5 in 5 min", by=["service"]),
        rule("count > 5 in 5 min", message="look"),
    ]
    assert one.hash == rule("count > 5 in 5 min").hash
    assert len({one.hash, *(each.hash for each in others)}) == 5


@pytest.mark.parametrize("name", kinds_of_conditions())
def test_a_kind_is_its_example(name: str) -> None:
    """Each kind knows its own words, and no other does."""
    kind = kinds_of_conditions()[name]
    assert type(parsed(kind.example)[0]) is kind


def test_a_kind_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module in the folder of kinds: parsed, counted and judged without another change."""
    (tmp_path / "even.py").write_text(
        """
from dataclasses import dataclass
from anomaly.rules.condition import PERIOD, Condition, Limit, Verdict, minutes

@dataclass(frozen=True)
class Kind(Condition):
    head = "even"
    tail = rf" in (?P<period>{PERIOD})"
    example = "even in 5 min"
    limit: Limit
    windows: tuple

    @classmethod
    def of(cls, words):
        return cls(Limit(">", 0.0), (minutes(words["period"]),))

    def judge(self, sums, first=0):
        rows = sums[0].sum(axis=1)
        return Verdict(rows.astype(float), (rows > 0) & (rows % 2 == 0), rows)

    def render(self, value, n):
        return f"{value:g} rows, which is even"
"""
    )
    monkeypatch.setattr(kinds, "__path__", [*kinds.__path__, str(tmp_path)])
    kinds_of_conditions.cache_clear()
    try:
        one = Rule("mine", rule("even in 5 min").table)
        assert one.condition.windows == (5,)
    finally:
        kinds_of_conditions.cache_clear()
        parsed.cache_clear()
        sys.modules.pop("anomaly.rules.kinds.even", None)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 AS value FROM read_text('/etc/passwd')",
        "SELECT count(*) AS value FROM '/etc/passwd'",
        "SELECT count(*) AS value FROM quarantine",
        "SELECT count(*) AS value FROM main.logs",
        "SELECT count(*) AS value FROM duckdb_settings()",
        "SELECT count(*) AS n FROM logs",
        "SELECT message AS value FROM logs; DROP TABLE logs",
        "COPY logs TO '/tmp/x'",
        "SELECT random() AS value",
        "SELECT epoch(now()) AS value FROM logs",
        "SELECT epoch(current_timestamp) AS value FROM logs",
        "SELECT getenv('HOME') AS value",
        "WITH a AS (INSERT INTO logs VALUES (1)) SELECT 1 AS value",
        "SELECT 1 AS value) AS x, (SELECT 2",
    ],
)
def test_a_query_reads_logs_alone(query: str) -> None:
    """No file, no other table, no function of the machine or the clock."""
    with pytest.raises(ValueError, match=r"\w"):
        predicate.check_query(query, ())


def test_a_query_has_its_value_and_groups(tmp_path: Path) -> None:
    """Columns of these names; and it stands behind `value` alone."""
    fine = '[x]\nwhen = "value > 2 in 5 min"\nquery = "SELECT service, 1 AS value FROM logs"\n'
    assert faults(tmp_path, f'{fine}by = ["service"]') == []
    (told,) = faults(tmp_path, f'{fine}by = ["endpoint"]')
    assert "line 3: x.query: it answers no column endpoint" in told
    for text in (
        fine.replace("value > 2 in", "count > 2 in"),
        fine.replace("value > 2 in 5", "value > 2 in 7"),
        '[x]\nwhen = "value > 2 in 5 min"',
        f'{fine}sql = "true"',
    ):
        assert len(faults(tmp_path, text)) == 1
