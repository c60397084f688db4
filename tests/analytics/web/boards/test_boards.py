"""Boards: panels with the numbers of a recount, changes that lose nothing, files by whoever."""

from __future__ import annotations

import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.bucket import Bucket
from support.lakes import Lake, events
from support.pages import NAUGHTY, pages, tags
from support.sites import shop
from support.windows import Pond, at, logged

from analytics.reports import REPORTS
from analytics.web.base.access import Access
from analytics.web.boards.board import (
    MOST_PANELS,
    OVERVIEW,
    Board,
    Panel,
    axes,
    moved,
    parsed,
    removed,
    written,
)
from analytics.web.boards.boards import MOST_BYTES, Boards, ChangedError
from lakehouse import store
from lakehouse.errors import SettingsError, TableError
from lakehouse.http.tokens import READ, WRITE, Token, Tokens
from lakehouse.paths import Places
from lakehouse.query.ask import ask
from lakehouse.store import durable, objects
from lakehouse.tables.catalog import LOGS
from lakehouse.tables.rollups import USAGE

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[4]
PER_SERVICE = (
    "SELECT service, count(*) AS requests FROM logs "
    "WHERE timestamp >= $from AND timestamp < $to GROUP BY service ORDER BY service"
)
EACH_REPORT = [one.name for one in REPORTS.values() if not one.fold]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two and a half hours with an incident, a kept question, and a board of it."""
    lake = shop(tmp_path_factory.mktemp("boards"))
    Pond(lake).close(at(120), [USAGE])
    asked = pages(lake)
    asked.post("/sql/kept", data={"q": PER_SERVICE, "name": "per service"})
    Boards(lake.places).create("mine", Board("Mine"))
    for show in ("table", "bars", "number"):
        given = {"do": "add", "source": "question:per service", "show": show, "name": "mine"}
        assert asked.post("/boards", data=given).status_code == 303
    return lake


def panel(lake: Lake, number: int, board: str = "mine", **parameters: str) -> str:
    """What a panel of a board shows."""
    asked = {"part": "panel", "panel": f"{number}", **parameters}
    found = pages(lake).get(f"/boards/{board}", params=asked)
    assert found.status_code == 200, found.text
    return str(found.text)


def panels_of(lake: Lake, name: str) -> list[Panel]:
    """The panels of a board."""
    board = Boards(lake.places).get(name).board
    return board.panels if board else []


def test_panels_have_the_numbers_of_a_recount(site: Lake) -> None:
    """Of the board's time range; as a table, as what a chart is drawn from, as one number."""
    for parameters in ({"last": "1h"}, {"last": "all"}, {"last": "1h", "as_of": "1"}):
        ranged = {"statement": "SELECT $from, $to", **parameters}
        ((since, until),) = pages(site).post("/api/sql", json=ranged).json()["rows"]
        first, end = map(datetime.fromisoformat, (since, until))
        logs = store.open_table(site.places, "logs")
        if "as_of" in parameters:
            logs.load_as_version(1)
        rows = logs.to_pyarrow_table(columns=["timestamp", "service"]).to_pylist()
        counts = Counter(row["service"] for row in rows if first <= row["timestamp"] < end)
        cells = re.findall(r"<td[^>]*>(.*?)</td>", panel(site, 1, **parameters))
        assert dict(zip(cells[::2], map(int, cells[1::2]), strict=True)) == counts
        chart = panel(site, 2, **parameters)
        (data,) = re.findall('data-answer="(.*?)"', chart)
        drawn = json.loads(unescape(data))
        assert dict(drawn["rows"]) == counts
        assert 'data-axes="[0,[1]]"' in chart
        number = panel(site, 3, **parameters)
        assert f'class="big" title="{counts[min(counts)]}"' in number


@pytest.mark.parametrize("name", EACH_REPORT)
def test_each_report_is_a_panel(site: Lake, name: str) -> None:
    """In a time range that holds all rows, it is the report; in one before the first, empty."""
    report, range_ = REPORTS[name], {"from": "2020-01-01", "to": "2999-01-01"}
    times = {of: datetime.fromisoformat(f"{at}T00:00:00+00:00") for of, at in range_.items()}
    assert ask(site.places, report.ranged(), times=times).equals(
        ask(site.places, report.statement())
    )
    before = {**times, "to": times["from"].replace(year=2021)}
    assert ask(site.places, report.ranged(), times=before).num_rows == 0


def test_the_overview_is_one_button(lake: Lake) -> None:
    """Each of its panels is answered; a second one is refused; an empty lake says what to do."""
    assert "logpond up" in pages(lake).get("/boards").text
    lake.put(logged([at(0)]), table=LOGS)
    asked = pages(lake)
    assert "Make the board Overview" in asked.get("/boards").text
    assert asked.post("/boards", data={"do": "overview"}).headers["location"] == "/boards/overview"
    assert asked.post("/boards", data={"do": "overview"}).status_code == 400
    assert "Make the board Overview" not in asked.get("/boards").text
    text = asked.get("/boards/overview").text
    assert text.count("data-panel=") == len(OVERVIEW.panels)
    assert "data-answer" not in text  # a visit asks nothing
    assert 'class="n">1<' in panel(lake, 5, "overview") or "No rows" in panel(lake, 5, "overview")


def test_a_board_is_changed_by_forms(lake: Lake) -> None:
    """Begun, filled, put in order, emptied, deleted; its file says the same."""
    lake.put(logged([at(0)]), table=LOGS)
    asked = pages(lake)
    begun = asked.post("/boards", data={"name": "checkout-errors", "title": "Checkout"})
    assert begun.headers["location"] == "/boards/checkout-errors?edit=1"
    path = "/boards/checkout-errors"

    def change(**given: str) -> Any:
        version = asked.get(f"/api{path}").json()["version"]
        return asked.post(path, data={"version": version, **given})

    for name in ("hourly", "services", "slowest"):
        assert change(do="add", source=f"report:{name}").status_code == 303
    assert change(do="up", panel="3").status_code == 303
    assert change(do="down", panel="1").status_code == 303
    assert change(do="remove", panel="3").status_code == 303
    given = {"title": "Of hours", "show": "line", "width": "whole", "x": "hour", "y": "requests, x"}
    assert change(do="change", panel="2", source="report:hourly", **given).status_code == 303
    assert change(do="board", title="New", last="7d", refresh="60").status_code == 303
    file = asked.get(f"{path}/file")
    assert 'filename="checkout-errors.json"' in file.headers["content-disposition"]
    assert file.content == Path(lake.places.boards, "checkout-errors.json").read_bytes()
    hours = Panel(
        report="hourly", title="Of hours", show="line", width="whole", x="hour", y=["requests", "x"]
    )
    assert parsed(file.content) == Board("New", [Panel(report="slowest"), hours], "7d", 60)
    for wrong in (
        {"do": "up", "panel": "9"},
        {"do": "nothing"},
        {"do": "add", "source": "question:"},
        {"do": "add", "source": "report:hourly", "show": "pie"},
        {"do": "add", "source": "report:hourly", "title": "x" * 81},
        {"do": "board", "title": "x", "refresh": "1"},
    ):
        assert change(**wrong).status_code in (400, 404)
    assert asked.get(f"{path}/file").content == file.content
    for name in ("", "..", "A", "a/b", "x" * 41, "checkout-errors"):
        assert asked.post("/boards", data={"name": name}).status_code == 400
    assert asked.post(path, data={"do": "delete"}).headers["location"] == "/boards"
    assert asked.get(path).status_code == 404
    assert asked.get("/api/boards").json() == []


def test_the_second_of_two_is_told(lake: Lake) -> None:
    """What the first one did stays, and the second sees it; to add by another page is no clash."""
    lake.put(logged([at(0)]), table=LOGS)
    boards, asked = Boards(lake.places), pages(lake)
    boards.create("ours", Board("Ours"))
    seen = boards.get("ours").version
    one = {"do": "add", "source": "report:hourly", "version": seen}
    assert asked.post("/boards/ours", data=one).status_code == 303
    second = asked.post("/boards/ours", data={**one, "source": "report:services"})
    assert second.status_code == 409
    assert "somebody else has changed" in second.text
    assert 'value="report:hourly" selected' in second.text
    assert boards.get("ours").board == Board("Ours", [Panel(report="hourly")])
    stale = {"part": "panel", "panel": "1", "version": seen}
    assert asked.get("/boards/ours", params=stale).status_code == 409
    added = {"do": "add", "source": "report:services", "name": "ours"}
    assert asked.post("/boards", data=added).status_code == 303
    assert len(panels_of(lake, "ours")) == 2


def test_a_change_meanwhile_is_not_lost(lake: Lake) -> None:
    """Between reading and writing another one comes: the edit is made of what it left."""
    boards = Boards(lake.places)
    boards.create("ours", Board("Ours"))
    turns = iter([True, False])

    def edit(board: Board) -> Board:
        if next(turns):
            boards.change("ours", lambda other: msgspec.structs.replace(other, last="7d"))
        return msgspec.structs.replace(board, title="New")

    boards.change("ours", edit)
    assert boards.get("ours").board == Board("New", last="7d")


def test_of_many_at_once_each_is_counted(lake: Lake) -> None:
    """A content is replaced only while it is what was read."""
    place, each = lake.places.boards, 8

    def count(_: int) -> None:
        for _turn in range(each):
            while True:
                was = objects.get(objects.store(place), "n")
                now = f"{int(was or b'0') + 1}".encode()
                if durable.swap(lake.places, place, "n", now, was):
                    break

    with ThreadPoolExecutor(4) as pool:
        [*pool.map(count, range(4))]
    assert objects.get(objects.store(place), "n") == f"{4 * each}".encode()


def test_a_bucket_keeps_them_alike(bucket: Bucket) -> None:
    """Written on the condition of what was read."""
    lake = Lake(Places(bucket.url, f"{bucket.url}/_checkpoints"))
    lake.put(events(range(3)))
    boards = Boards(lake.places)
    boards.create("far", Board("Far"))
    first = boards.get("far")
    boards.change("far", lambda board: msgspec.structs.replace(board, last="7d"), first.version)
    with pytest.raises(ChangedError):
        boards.change("far", lambda board: board, first.version)
    with pytest.raises(SettingsError, match="already"):
        boards.create("far", Board("Far"))
    assert [one.board for one in boards.all()] == [Board("Far", last="7d")]
    boards.delete("far")
    with pytest.raises(TableError):
        boards.get("far")


BROKEN = {
    "half": b'{"title": "x", "panels": [',
    "binary": b"\xff\xfe\x00",
    "empty": b"",
    "deep": b"[" * 50_000,
    "typo": b'{"title": "x", "pannels": []}',
    "wrong": b'{"title": ["x"]}',
    "both": b'{"title": "x", "panels": [{"question": "a", "report": "b"}]}',
    "many": json.dumps({"title": "x", "panels": [{"report": "a"}] * 25}).encode(),
    "large": b'{"title": "' + b"x" * MOST_BYTES + b'"}',
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_said_in_words(lake: Lake, name: str) -> None:
    """In the list, on its page, in the API; others are shown, and it can be deleted there."""
    lake.put(logged([at(0)]), table=LOGS)
    Boards(lake.places).create("whole", Board("Whole"))
    for file in (f"{name}.json", "Not-A-Name.json", "notes.txt"):
        Path(lake.places.boards, file).write_bytes(BROKEN[name])
    asked = pages(lake)
    text = asked.get("/boards").text
    assert text.count("cannot be shown") == 1
    assert ">Whole</a>" in text
    page = asked.get(f"/boards/{name}")
    assert (page.status_code, "data-panel" in page.text) == (200, False)
    assert 'role="alert"><p class="bad">' in page.text
    assert asked.get(f"/api/boards/{name}").json()["error"]
    assert asked.post(f"/boards/{name}", data={"do": "board", "title": "x"}).status_code == 400
    assert asked.get(f"/boards/{name}", params={"part": "panel", "panel": "1"}).status_code == 404
    assert asked.post(f"/boards/{name}", data={"do": "delete"}).status_code == 303
    assert [one["name"] for one in asked.get("/api/boards").json()] == ["whole"]


@pytest.mark.parametrize(
    ("board", "words"),
    [
        (Board("Odd", [], "0s"), "last '0s' has no length"),
        (Board("Odd", [], "soon"), "last 'soon' is no length of time"),
        (Board("Odd", [], ""), "last '' is no length of time"),
        (Board("Odd", [Panel(report="hourly"), Panel(report="patterns")]), "panel 2: there is no"),
        (Board("Odd", [Panel(report="nowhere")]), "panel 1: there is no report nowhere"),
    ],
)
def test_what_cannot_be_shown_of_a_board_is_told_as_it_is_read(
    lake: Lake, board: Board, words: str
) -> None:
    """In the API, in the list and on its page, which shows the rest."""
    lake.put(logged([at(0)]), table=LOGS)
    Boards(lake.places).create("odd", board)
    asked = pages(lake)
    (listed,) = asked.get("/api/boards").json()
    assert listed == asked.get("/api/boards/odd").json()
    assert words in listed["error"]
    assert listed["board"]["title"] == "Odd"
    for page in ("/boards", "/boards/odd"):
        assert words in unescape(asked.get(page).text)
    assert asked.get("/boards/odd").text.count("data-panel=") == len(board.panels)


def test_a_board_is_given_no_time_that_has_no_length(lake: Lake) -> None:
    """Where it is changed on its page; what is whole has no error."""
    lake.put(logged([at(0)]), table=LOGS)
    Boards(lake.places).create("whole", Board("Whole", OVERVIEW.panels))
    asked = pages(lake)
    odd = asked.post("/boards/whole", data={"do": "board", "title": "x", "last": "0s"})
    assert (odd.status_code, "has no length" in odd.text) == (400, True)
    for last in ("7d", "all", ""):
        given = {"do": "board", "title": "x", "last": last}
        assert asked.post("/boards/whole", data=given).status_code == 303
        assert asked.get("/api/boards/whole").json()["error"] is None
    assert asked.get("/api/boards/whole").json()["board"]["last"] == "all"


def test_what_goes_wrong_is_in_its_panel(lake: Lake) -> None:
    """A question that is gone, a report there is not, a statement that is none, no numbers."""
    lake.put(logged([at(0)]), table=LOGS)
    asked = pages(lake)
    for name, statement in (("bad", "SELECT nothing FROM logs"), ("text", "SELECT 'a' AS letter")):
        asked.post("/sql/kept", data={"q": statement, "name": name})
    panels = [
        Panel(question="gone"),
        Panel(report="nowhere"),
        Panel(report="patterns"),
        Panel(question="bad"),
        Panel(question="text", show="line"),
        Panel(question="text", show="number", y=["other"]),
        Panel(question="text", show="number"),
    ]
    Boards(lake.places).create("faults", Board("Faults", panels))
    words = ["no question is kept", "no report nowhere", "no report patterns", "nothing"]
    words += ["no column of numbers", "no column other", ">a</p>"]
    for number, expected in enumerate(words, 1):
        assert expected in panel(lake, number, "faults")
    assert 'class="bad"' in panel(lake, 1, "faults")
    assert asked.get("/boards/faults").status_code == 200


def test_naughty_texts_are_text(lake: Lake) -> None:
    """In titles, names of questions and columns, and in answers."""
    lake.put(logged([at(0)]), table=LOGS)
    asked, panels = pages(lake), list[Panel]()
    for text in NAUGHTY:
        quoted = text.replace("'", "''")
        asked.post("/sql/kept", data={"q": f"SELECT '{quoted}' AS t, 1 AS n", "name": text[:80]})
        panels.append(Panel(question=text[:80], title=text[:80], x="t", show="bars"))
    file = Path(lake.places.boards, "naughty.json")
    file.parent.mkdir(parents=True)
    file.write_bytes(msgspec.json.encode(Board(NAUGHTY[0], panels)))
    shown = [asked.get("/boards/naughty").text, asked.get("/boards/naughty?edit=1").text]
    shown += [panel(lake, number, "naughty") for number in range(1, len(panels) + 1)]
    for text in shown:
        main = text.split("<main", 1)[-1]
        assert not {"script", "img"} & {*tags(main)}
        assert "alert(1)</script>" not in main


def test_who_may_read_looks_and_who_may_write_changes(lake: Lake) -> None:
    """By their tokens; another site makes a browser neither ask nor change."""
    lake.put(logged([at(0)]), table=LOGS)
    Boards(lake.places).create("ours", Board("Ours", [Panel(report="hourly")]))
    given = [
        Token.of("reads", READ, "a reader's secret"),
        Token.of("acts", WRITE, "a writer's secret"),
    ]
    asked = pages(lake, access=Access(Tokens(lake.places.tokens, given)))
    reads, acts = ({"authorization": f"Bearer {of} secret"} for of in ("a reader's", "a writer's"))
    one, part = {"do": "remove", "panel": "1"}, {"part": "panel", "panel": "1"}
    assert asked.get("/boards/ours").status_code == 401
    assert asked.get("/boards/ours", params=part, headers=reads).status_code == 200
    assert "Change this board" not in asked.get("/boards/ours", headers=reads).text
    assert '<select name="source"' not in asked.get("/boards/ours?edit=1", headers=reads).text
    assert asked.post("/boards/ours", data=one, headers=reads).status_code == 403
    assert asked.post("/boards", data={"do": "overview"}, headers=reads).status_code == 403
    assert "Change this board" in asked.get("/boards/ours", headers=acts).text
    visit = {"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    foreign = {"sec-fetch-site": "cross-site", **visit, **acts}
    assert asked.get("/boards/ours", headers=foreign).status_code == 200
    assert asked.get("/boards/ours", params=part, headers=foreign).status_code == 403
    assert asked.post("/boards/ours", data=one, headers=foreign).status_code == 403
    assert len(panels_of(lake, "ours")) == 1


def test_a_board_is_bounded() -> None:
    """In panels; what is written can be read."""
    full = Board("x", [Panel(report="hourly")] * MOST_PANELS)
    assert parsed(written(full)) == full
    with pytest.raises(SettingsError):
        written(Board("x", [Panel(report="hourly")] * (MOST_PANELS + 1)))
    assert parsed(written(OVERVIEW)) == OVERVIEW


def test_the_shown_file_is_a_board() -> None:
    """That of docs/pages.md, as it stands."""
    (shown,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs" / "pages.md").read_text(), re.DOTALL)
    board = parsed(shown.encode())
    assert (board.last, board.refresh, len(board.panels)) == ("6h", 60, 3)


def test_panels_move_and_stay_at_an_end() -> None:
    """By places; the others keep their order."""
    board = Board("x", [Panel(report=name) for name in "abc"])

    def order(of: Board) -> str:
        return "".join(panel.report for panel in of.panels)

    assert [order(moved(board, at, by)) for at, by in ((0, 1), (2, -1), (0, -1), (2, 1))] == [
        "bac",
        "acb",
        "abc",
        "abc",
    ]
    assert order(removed(board, 1)) == "ac"


@pytest.mark.parametrize(
    ("given", "columns", "expected"),
    [
        (Panel(), "hour:t requests:n errors:n", (0, [1, 2])),
        (Panel(), "requests:n hour:t", (1, [0])),
        (Panel(), "status:n requests:n", (0, [1])),
        (Panel(y=["status"]), "status:n requests:n", (1, [0])),
        (Panel(x="b", y=["c"]), "a:n b:n c:n", (1, [2])),
        (Panel(), "a:n b:n c:n d:n e:n f:n g:n", (0, [1, 2, 3, 4, 5])),
    ],
)
def test_a_chart_finds_its_columns(given: Panel, columns: str, expected: Any) -> None:
    """A time lies along it, or the first column; all numbers are drawn unless some are named."""
    split = (one.split(":") for one in columns.split())
    assert axes(given, [(name, kind == "n", kind == "t") for name, kind in split]) == expected
