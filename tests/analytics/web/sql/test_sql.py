"""The page SQL: answers, refusals, bounds, files, kept questions."""

from __future__ import annotations

import io
import json
import threading
import time
from datetime import datetime
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.lakes import Lake
from support.pages import NAUGHTY, pages, server, tags
from support.sites import shop
from support.windows import at, logged

from analytics.web.base.access import Access
from analytics.web.sql.answers import SHOWN_BYTES
from analytics.web.sql.files import PIECE_BYTES, pieces
from analytics.web.sql.kept import LONGEST_STATEMENT, MOST
from lakehouse import store
from lakehouse.http.tokens import READ, WRITE, Token, Tokens
from lakehouse.query.ask import Moment, ask
from lakehouse.tables.catalog import LOGS
from lakehouse.terminal import render

pytestmark = pytest.mark.slow
COUNT = "SELECT service, count(*) AS requests FROM logs GROUP BY service ORDER BY service"
# It goes on for a quarter of an hour, in little memory.
ENDLESS = "SELECT sum(sqrt(range)) FROM range(1000000000000)"
ROWS = (
    "SELECT '=1+1' AS text, 1 AS number, NULL AS nothing, [1, 2] AS list "
    "UNION ALL SELECT 'b', 2, 3, []"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two and a half hours with an incident."""
    return shop(tmp_path_factory.mktemp("sql"))


def answer(lake: Lake, statement: str, as_of: str = "") -> dict[str, Any]:
    """What the API answers."""
    asked = pages(lake).post("/api/sql", json={"statement": statement, "as_of": as_of})
    found: dict[str, Any] = asked.raise_for_status().json()
    return found


def test_an_answer_is_that_of_the_command(site: Lake) -> None:
    """Columns with types, rows, how many, how long, and as of when."""
    found = answer(site, COUNT)
    expected = ask(site.places, COUNT)
    assert found["rows"] == [[*row.values()] for row in expected.to_pylist()]
    assert found["columns"] == [
        {"name": "service", "type": "string"},
        {"name": "requests", "type": "int64"},
    ]
    assert found["row_count"] == expected.num_rows
    assert answer(site, COUNT, found["as_of"])["rows"] == found["rows"]


def test_it_reads_the_past(site: Lake) -> None:
    """A version is that of `logs`, as on every page; other tables are as of its time."""
    count = "SELECT count(*) FROM logs"
    then = ask(site.places, count, Moment(version=1)).column(0)[0].as_py()
    assert answer(site, count, "1")["rows"] == [[then]]
    assert answer(site, count)["rows"][0][0] > then
    text = pages(site).post("/sql?as_of=1", data={"q": count, "as_of": "1"}).text
    assert f'<td class="n">{then}</td>' in text


def test_only_the_first_rows_are_shown(site: Lake) -> None:
    """A thousand; it says how many there are."""
    found = answer(site, "SELECT * FROM range(5000)")
    assert (len(found["rows"]), found["row_count"]) == (1000, 5000)
    text = pages(site).post("/sql", params={"part": "answer"}, data={"q": "FROM range(5000)"}).text
    assert "5,000 rows" in text
    assert "the first 1,000 are shown" in text
    assert "<nav" not in text


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DELETE FROM logs", "only reads"),
        ("WITH a AS (SELECT 1) INSERT INTO logs SELECT * FROM a", "only reads"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("SET memory_limit = '9GB'", ""),
        ("OPTIMIZE logs", ""),
        ("SELECT * FROM read_text('/etc/passwd')", "out of reach"),
        ("SELECT * FROM read_parquet('{lake}/logs/**/*.parquet')", "out of reach"),
        ("SELECT * FROM '/etc/hosts.csv'", ""),
        ("SELECT * FROM 'pyproject.json'", ""),
        ("SELECT * FROM 'http://127.0.0.1/x.csv'", ""),
        ("SELECT nothing FROM logs", "nothing"),
        ("SELECT * FROM nowhere", "there is no table nowhere"),
        ("", ""),
    ],
)
def test_it_only_reads_tables_of_the_lake(site: Lake, statement: str, words: str) -> None:
    """No file, no setting, no writing: a refusal in words, on the page and in the API."""
    before = store.open_table(site.places, "logs").version()
    statement = statement.replace("{lake}", site.places.lake)
    asked = pages(site).post("/api/sql", json={"statement": statement})
    assert asked.status_code in (400, 404, 422), asked.text
    assert words in asked.json()["error"]
    page = pages(site).post("/sql", data={"q": statement})
    assert page.status_code == 400
    assert "Traceback" not in page.text
    assert store.open_table(site.places, "logs").version() == before


@pytest.mark.parametrize(
    ("statement", "fits"),
    [
        ("DELETE FROM logs", "a statement only reads"),
        ("COPY logs TO 'x.csv'", "the page SQL"),
        ("EXPORT DATABASE 'x'", "the page SQL"),
        ("FROM 'hosts.csv'", "SHOW TABLES"),
        ("FROM read_csv('hosts.csv')", "SHOW TABLES"),
        ("VACUUM logs", "in a terminal: "),
        ("OPTIMIZE logs", "in a terminal: "),
        ("DESCRIBE HISTORY logs", "ask as of now"),
        ("", "write one"),
        ("SELECT repeat('x', 1000) FROM range(1000000)", "ask `logpond sql`, which may take more"),
    ],
)
def test_a_remedy_fits_the_page(site: Lake, statement: str, fits: str) -> None:
    """What is typed in a terminal is said with its command, and no setting is raised here."""
    asked = pages(site).post("/api/sql", json={"statement": statement, "as_of": "1"})
    said = json.dumps(asked.json())
    assert fits in said
    for words in ("`logpond sql` only", "use --format", "itself", "[sql]", "without --"):
        assert words not in said


def test_a_file_that_exists_is_not_read(site: Lake, tmp_path: Any) -> None:
    """The command reads a data file that a statement names; the page does not."""
    file = tmp_path / "secret.csv"
    file.write_text("a\n1\n")
    statement = f"SELECT * FROM '{file}'"
    assert ask(site.places, statement).num_rows == 1
    asked = pages(site).post("/api/sql", json={"statement": statement})
    assert asked.status_code == 400
    assert "out of reach" in asked.json()["error"]


def test_a_reader_asks_one_at_a_time_and_who_leaves_stops_it(site: Lake) -> None:
    """A second question is refused in words; once the tab is gone, the next one is answered."""
    with server(site) as address:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{address}/api/sql", json={"statement": ENDLESS}, timeout=2)
        answered = until_answered(address)
        assert answered.json()["rows"] == [[1]]

        tab = threading.Thread(target=ask_for_a_while, args=(address, 12.0))
        tab.start()
        time.sleep(2)
        second = httpx.post(f"{address}/api/sql", json={"statement": "SELECT 1"}, timeout=30)
        tab.join()
    assert second.status_code == 400
    assert "other question is still being answered" in second.json()["error"]


def ask_for_a_while(address: str, seconds: float) -> None:
    """Ask a question that has no end, and go."""
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{address}/api/sql", json={"statement": ENDLESS}, timeout=seconds)


def until_answered(address: str) -> httpx.Response:
    """The answer to a small question, once the one before is stopped."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = httpx.post(f"{address}/api/sql", json={"statement": "SELECT 1"}, timeout=30)
        if found.status_code == 200:
            return found
        time.sleep(0.2)
    raise AssertionError(found.text)


def test_an_answer_is_bounded(site: Lake) -> None:
    """In memory: a refusal, and the server goes on."""
    asked = pages(site)
    statement = "SELECT repeat('x', 1000000) FROM range(1000)"
    refused = asked.post("/api/sql", json={"statement": statement})
    assert refused.status_code == 400
    assert "256 MB" in refused.json()["error"]
    too_long = asked.post("/api/sql", json={"statement": "x" * (LONGEST_STATEMENT + 1)})
    assert too_long.status_code == 400
    assert asked.post("/api/sql", json={"statement": "SELECT 1"}).status_code == 200


def test_what_is_shown_is_bounded_in_bytes(site: Lake) -> None:
    """4 MB of rows, fewer than there are; a row that is more is refused in words."""
    asked = pages(site)
    huge = "SELECT repeat('x', 100000000)"
    refused = asked.post("/api/sql", json={"statement": huge})
    assert refused.status_code == 400
    assert "larger than 4 MB" in refused.json()["error"]
    page = asked.post("/sql", params={"part": "answer"}, data={"q": huge})
    assert (page.status_code, "left(message, 1000)" in page.text) == (400, True)
    assert len(page.content) < 10_000
    wide = "SELECT repeat('x', 1000000) AS x, range AS n FROM range(9)"
    found = asked.post("/api/sql", json={"statement": wide})
    assert len(found.content) < SHOWN_BYTES + 10_000
    assert ([row[1] for row in found.json()["rows"]], found.json()["row_count"]) == (
        [0, 1, 2, 3],
        9,
    )
    text = asked.post("/sql", params={"part": "answer"}, data={"q": wide}).text
    assert "the first 4 are shown, a file has all" in text
    escapes = asked.post(
        "/api/sql", json={"statement": "SELECT repeat(chr(1), 1000000) FROM range(3)"}
    )
    assert escapes.status_code == 400


def test_a_file_is_made_a_piece_at_a_time() -> None:
    """It is what the command writes, and no piece is long but for a long row."""
    rows = pa.table({"a": [*range(30_000)], "text": ["=x" * 100] * 30_000})
    for kind in ("csv", "json"):
        for some in (rows, rows.slice(0, 0), rows.slice(5, 1)):
            made, whole = [*pieces(some, kind)], io.StringIO()
            render.show(render.Rows.of_arrow(some), kind, whole)
            assert b"".join(made).decode() == whole.getvalue()
            assert max(map(len, made)) < 2 * PIECE_BYTES
    assert len([*pieces(rows, "csv")]) > 5


def test_columns_of_one_name_are_told_apart_in_files(site: Lake) -> None:
    """As in the answer: none is lost."""
    for kind in ("csv", "json", "parquet"):
        given = {"q": "SELECT 1 AS a, 2 AS a", "kind": kind}
        content = pages(site).post("/sql/export", data=given).raise_for_status().content
        if kind == "parquet":
            assert pq.read_table(io.BytesIO(content)).to_pylist() == [{"a": 1, "a_2": 2}]
        elif kind == "json":
            assert json.loads(content) == [{"a": 1, "a_2": 2}]
        else:
            assert content == b"a,a_2\n1,2\n"


def test_a_file_has_all_rows(site: Lake) -> None:
    """As CSV, which no spreadsheet computes, as JSON, as Parquet with types."""
    asked, found = pages(site), {}
    for kind in ("csv", "json", "parquet"):
        got = asked.post("/sql/export", data={"q": ROWS, "kind": kind}).raise_for_status()
        assert f'.{kind}"' in got.headers["content-disposition"]
        found[kind] = got.content
    assert found["csv"].decode().splitlines()[:2] == [
        "text,number,nothing,list",
        '\'=1+1,1,,"[1,2]"',
    ]
    assert [row["list"] for row in json.loads(found["json"])] == [[1, 2], []]
    assert pq.read_table(io.BytesIO(found["parquet"])).to_pylist()[1]["nothing"] == 3
    many = asked.post("/sql/export", data={"q": "FROM range(5000)", "kind": "csv"})
    assert len(many.text.splitlines()) == 5001
    assert asked.post("/sql/export", data={"q": ROWS, "kind": "exe"}).status_code == 400


def test_words_are_those_of_the_lake(site: Lake) -> None:
    """Tables with their columns, and functions."""
    words = pages(site).get("/api/sql/words").raise_for_status().json()
    assert {"timestamp", "service"} <= {*words["logs"]}
    assert {"count", "date_trunc", "quantile_cont"} <= {*words["functions()"]}


def test_questions_are_kept_in_the_lake(lake: Lake) -> None:
    """Under a name, by whom; the same name again replaces, and can be deleted."""
    with_a_row(lake)
    asked = pages(lake)
    for statement in ("SELECT 1", "SELECT 2"):
        kept = asked.post("/sql/kept", data={"q": statement, "name": "mine"})
        assert kept.status_code == 303
        assert "q=SELECT" in kept.headers["location"]
    (one,) = pages(lake).get("/api/sql/kept").json()
    assert (one["name"], one["statement"]) == ("mine", "SELECT 2")
    assert one["who"]
    assert ">mine</a>" in asked.get("/sql").text
    assert asked.post("/sql/kept", data={"name": "mine", "delete": "1"}).status_code == 303
    assert asked.get("/api/sql/kept").json() == []
    assert asked.post("/sql/kept", data={"name": "mine", "delete": "1"}).status_code == 404


def test_kept_questions_are_bounded(lake: Lake) -> None:
    """In length and in number."""
    with_a_row(lake)
    asked = pages(lake)
    for given in (
        {"name": "", "q": "SELECT 1"},
        {"name": "x" * 81, "q": "SELECT 1"},
        {"name": "x"},
    ):
        assert asked.post("/sql/kept", data=given).status_code == 400
    for number in range(MOST):
        given = {"name": f"{number}", "q": "SELECT 1"}
        assert asked.post("/sql/kept", data=given).status_code == 303
    assert asked.post("/sql/kept", data={"name": "more", "q": "SELECT 1"}).status_code == 400


def test_naughty_texts_are_text(lake: Lake) -> None:
    """In a statement, in an answer, in a name."""
    with_a_row(lake)
    asked = pages(lake)
    for text in NAUGHTY:
        quoted = text.replace("'", "''")
        asked.post("/sql/kept", data={"q": f"SELECT '{quoted}'", "name": text})
        page = asked.post(
            "/sql", data={"q": f"SELECT '{quoted}' AS \"{text.replace(chr(34), '')}\""}
        )
        assert not {"script", "img", "svg"} & {*tags(page.text.split("<main", 1)[1])} - {"svg"}
        assert "alert(1)</script>" not in page.text.split("<main", 1)[1]
    assert len(asked.get("/api/sql/kept").json()) >= len(NAUGHTY) - 3


def test_who_may_read_may_ask_and_who_may_write_may_keep(lake: Lake) -> None:
    """By their tokens; another site may make a browser do neither."""
    with_a_row(lake)
    given = [
        Token.of("reads", READ, "a reader's secret"),
        Token.of("acts", WRITE, "a writer's secret"),
    ]
    asked = pages(lake, access=Access(Tokens(lake.places.tokens, given)))
    reads, acts = ({"authorization": f"Bearer {of} secret"} for of in ("a reader's", "a writer's"))
    one, keep = {"statement": "SELECT 1"}, {"q": "SELECT 1", "name": "x"}
    assert asked.post("/api/sql", json=one).status_code == 401
    assert asked.post("/api/sql", json=one, headers=reads).status_code == 200
    assert asked.post("/sql/export", data={"q": "SELECT 1"}, headers=reads).status_code == 200
    assert asked.post("/sql/kept", data=keep, headers=reads).status_code == 403
    assert asked.post("/sql/kept", data=keep, headers=acts).status_code == 303
    foreign = {
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
    }
    for path in ("/sql", "/sql/export", "/sql/kept"):
        assert asked.post(path, data=keep, headers={**acts, **foreign}).status_code == 403


def test_a_link_fills_the_box_and_asks_nothing(site: Lake) -> None:
    """A visit from elsewhere must not make the server work."""
    text = pages(site).get("/sql", params={"q": ENDLESS}).raise_for_status().text
    assert "range(1000000000000)" in text
    assert "data-answer" not in text


def with_a_row(lake: Lake) -> None:
    """A row."""
    lake.put(logged([at(0)]), table=LOGS)


def test_what_was_read_is_counted(site: Lake) -> None:
    """Rows by a recount, bytes by sizes of files; of a count, which the log answers, none."""
    logs = store.open_table(site.places, "logs")
    rows, files = logs.to_pyarrow_table(), store.data_files(logs)
    whole = answer(site, "SELECT * FROM logs")
    assert whole["rows_read"] == rows.num_rows
    size = sum(files["size_bytes"].to_pylist())
    assert size * 0.8 < whole["bytes_read"] < size * 1.2  # a footer may be read twice
    one = answer(site, "SELECT service, count(*) FROM logs GROUP BY ALL")
    assert (one["rows_read"], 0 < one["bytes_read"] < whole["bytes_read"]) == (rows.num_rows, True)
    name = rows["service"][0].as_py()
    of_it = sum(service == name for service in rows["service"].to_pylist())
    narrow = f"SELECT ip FROM logs WHERE service = '{name}'"
    assert answer(site, narrow)["rows_read"] == of_it
    counted = answer(site, "SELECT count(*) FROM logs")
    assert (counted["rows_read"], counted["bytes_read"]) == (0, 0)
    assert f"read {of_it:,} row" in pages(site).post("/sql", data={"q": narrow}).text


def test_a_time_range_is_a_parameter(site: Lake) -> None:
    """`$from` and `$to` are values, never text; they count back from the last event."""
    rows = store.open_table(site.places, "logs").to_pyarrow_table()["timestamp"].to_pylist()
    statement = "SELECT count(*), $from, $to, '$to' FROM logs "
    statement += "WHERE timestamp >= $from AND timestamp < $to"
    asked = pages(site)
    found = asked.post("/api/sql", json={"statement": statement, "last": "1h"}).json()
    count, first, end, text = found["rows"][0]
    since, until = map(datetime.fromisoformat, (first, end))
    assert count == sum(since <= at < until for at in rows) > 0
    assert text == "$to"
    every = asked.post("/api/sql", json={"statement": statement, "last": "all"}).json()["rows"][0]
    assert (every[0], every[2]) == (len(rows), end)
    given = {"statement": statement, "from": first, "to": "2999-01-01", "as_of": "1"}
    assert asked.post("/api/sql", json=given).json()["rows"][0][1] == first
    for wrong in ({"last": "'; DROP TABLE logs"}, {"from": "soon"}, {"from": "2027", "to": "2026"}):
        assert asked.post("/api/sql", json={"statement": statement, **wrong}).status_code == 400
    missing = asked.post("/api/sql", json={"statement": "SELECT $other"})
    assert "$from, $to" in missing.json()["remedy"]
    page = asked.post("/sql", data={"q": "SELECT $from", "last": "2h"}).text
    assert "<option selected>2h</option>" in page
