"""Queries of logs: what they mean, and where they mean nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lakehouse.query.search import QueryFault, parse
from lakehouse.query.search.fields import FIELDS
from lakehouse.query.search.parser import DEEPEST, LONGEST, MOST_TERMS
from lakehouse.query.search.tokens import written
from lakehouse.query.search.tree import All, Between, Flag, Matches, Node, Not, Present, Term

NOW = datetime(2026, 4, 29, 12, tzinfo=UTC)


def bare(node: Node) -> object:
    """A tree without places: (field, test), {"not": ...}, [all of them], or {any of them}."""
    if isinstance(node, Term):
        return (node.field.name if node.field else None, node.test)
    if isinstance(node, Not):
        return {"not": bare(node.part)}
    parts = [bare(part) for part in node.parts]
    return parts if isinstance(node, All) else {"or": parts}


def word(*pieces: str) -> Matches:
    """A text, or pieces of one."""
    return Matches(pieces)


def within(text: str) -> Matches:
    """A part of a text."""
    return Matches(("", text, ""))


CODE, TOOK = "status_code", "response_time"


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("", []),
        ("  *  ", []),
        ("service:cart", ("service", word("cart"))),
        ('user:"a b"', ("user", word("a b"))),
        (r'user:"a \"b\" \\ \n"', ("user", word(r"a " + '"b"' + r" \ \n"))),
        ("status:404", (CODE, Between(404, 404))),
        ("STATUS:5xx", (CODE, Between(500, 599))),
        ("status:>=500", (CODE, Between(low=500))),
        ("status:< 500", (CODE, Between(high=500, high_open=True))),
        ("status:500..503", (CODE, Between(500, 503))),
        ("status:500..", (CODE, Between(500, None))),
        ("duration:>1.5s", (TOOK, Between(low=1500.0, low_open=True))),
        ("duration:100ms..2s", (TOOK, Between(100, 2000))),
        ("http.response.status_code:404", None),
        ("path:/api/*", ("path", word("/api/", ""))),
        ('path:"/api/*"', ("path", word("/api/*"))),
        ("user:*", ("user", Present())),
        ("-user:*", {"not": ("user", Present())}),
        ("NOT user:ann", {"not": ("user", word("ann"))}),
        ("--bot:true", {"not": {"not": ("is_bot", Flag(True))}}),
        ("error:no", ("is_error", Flag(False))),
        ("level:warning", ("level", Between(13, 16))),
        ("level:>=warn", ("level", Between(low=13))),
        ("level:>warn", ("level", Between(low=16, low_open=True))),
        ("level:<error", ("level", Between(high=17, high_open=True))),
        ("level:<=error", ("level", Between(high=20))),
        ("level:warn..error", ("level", Between(13, 20))),
        ("level:audit", ("level", word("audit"))),
        ("time:>=2026-04-29", ("timestamp", Between(low=datetime(2026, 4, 29, tzinfo=UTC)))),
        (
            "time:<-1h",
            ("timestamp", Between(high=datetime(2026, 4, 29, 11, tzinfo=UTC), high_open=True)),
        ),
        ("timeout", (None, within("timeout"))),
        ("a*b", (None, Matches(("", "a", "b", "")))),
        ('"a*b -c"', (None, within("a*b -c"))),
        ("12:30", (None, within("12:30"))),
        ("- a", [(None, within("-")), (None, within("a"))]),
        ("a b", [(None, within("a")), (None, within("b"))]),
        ("a AND b", [(None, within("a")), (None, within("b"))]),
        ("a b OR c", {"or": [[(None, within("a")), (None, within("b"))], (None, within("c"))]}),
        ("a (b OR c)", [(None, within("a")), {"or": [(None, within("b")), (None, within("c"))]}]),
        ("or", (None, within("or"))),
        ('"OR"', (None, within("OR"))),
        ("status:(404 OR 5xx)", {"or": [(CODE, Between(404, 404)), (CODE, Between(500, 599))]}),
        (
            "status:(>=500 OR <200 OR 404)",
            {
                "or": [
                    (CODE, Between(low=500)),
                    (CODE, Between(high=200, high_open=True)),
                    (CODE, Between(404, 404)),
                ]
            },
        ),
        ("(a OR >b)", {"or": [(None, within("a")), (None, within(">b"))]}),
        ("-status:(404)", {"not": (CODE, Between(404, 404))}),
        ("endpoint:/items/{id}", ("endpoint", word("/items/{id}"))),
        ("ip:-1", ("ip", word("-1"))),
        ('attributes."":x', ("attributes.", word("x"))),
        ('-attr."":*', {"not": ("attributes.", Present())}),
        ("date:>2026-04-28", ("date", Between(low=NOW.replace(day=28, hour=0), low_open=True))),
        ("date:>-13h", ("date", Between(low=NOW.replace(day=28, hour=23)))),
        ("date:<-10m", ("date", Between(high=NOW.replace(hour=11, minute=50)))),
        ("date:>2026-04-29T12:00", ("date", Between(low=NOW))),
    ],
)
def test_a_query_means(query: str, meant: object) -> None:
    """The tree of each form that the language has."""
    if meant is None:
        with pytest.raises(QueryFault, match="is no field"):
            parse(query)
        return
    assert bare(parse(query, NOW)) == meant


@pytest.mark.parametrize(
    ("query", "start", "end", "says"),
    [
        ("service:cart statux:500", 13, 20, "did you mean status:"),
        ("order_id:42", 0, 9, "attributes.order_id:"),
        ("attributes:x", 0, 11, "attributes.KEY"),
        ("status:abc", 7, 10, "5xx"),
        ("status:>abc", 8, 11, ">=500"),
        ("duration:fast", 9, 13, "1.5s"),
        ("level:>=audit", 8, 13, ">=warn"),
        ("bot:maybe", 4, 9, "true or false"),
        ("time:yesterday", 5, 14, "-10m"),
        ("time:2026-04-29", 5, 15, ">=2026"),
        ("service:>a", 9, 10, "a text with * in it"),
        ("service:", 0, 8, "no value"),
        ("service: (a)", 0, 8, "right behind its colon"),
        ("service: level:error", 0, 8, "right behind its colon"),
        ("a service: cart", 2, 10, "right behind its colon"),
        ('user: "a b"', 0, 5, "right behind its colon"),
        ("status: >500", 0, 7, "right behind its colon"),
        ("-" * 25 + "x", 20, 21, "brackets and negations are at most 20 deep"),
        ('a "b', 2, 3, "not closed"),
        ("(a", 0, 1, "not closed"),
        ("a)", 1, 2, "closes nothing"),
        ("()", 0, 1, "nothing in these brackets"),
        ("a OR", 2, 4, "nothing follows"),
        ("OR a", 0, 2, "nothing is before"),
        ("AND a", 0, 3, "between two parts"),
        ("a AND OR b", 2, 5, "between two parts"),
        ("a NOT", 2, 5, "nothing follows"),
        ("status:(404 500)", 12, 15, "joined by OR"),
        ("status:(404", 7, 8, "end with )"),
        ("a\x00b", 1, 2, "cannot be asked for"),
        ("status:1e999", 7, 12, "5xx"),
    ],
)
def test_a_fault_has_its_place(query: str, start: int, end: int, says: str) -> None:
    """And words: what is wrong there, and what would fit."""
    with pytest.raises(QueryFault) as raised:
        parse(query)
    assert (raised.value.start, raised.value.end) == (start, end)
    assert says in str(raised.value)


def test_a_caret_stands_below_its_place() -> None:
    """Also far behind in a long query, of which a part is shown."""
    with pytest.raises(QueryFault) as raised:
        parse("b" * 300 + " statux:5")
    line, carets = raised.value.pointed()
    assert line[carets.index("^") :].startswith("statux:")


@pytest.mark.parametrize(
    "query",
    ["a" * (LONGEST + 1), "(" * (DEEPEST + 1), "-" * (DEEPEST + 2) + "a", "a " * (MOST_TERMS + 1)],
)
def test_a_query_is_bounded(query: str) -> None:
    """In its length, depth and number of terms."""
    with pytest.raises(QueryFault, match="at most"):
        parse(query)


@pytest.mark.parametrize("name", FIELDS)
def test_every_column_is_a_field(name: str) -> None:
    """By its own name, in any case; whether it is there can always be asked."""
    assert bare(parse(f"{name.upper()}:*")) == (name, Present())


@pytest.mark.parametrize(
    "value", ["cart", "a b", 'say "x"', "\\", "a*", "OR", "-1", "(", "", "1..2", ">5", "x:y"]
)
def test_a_written_value_is_read_back(value: str) -> None:
    """Whatever a row holds can be asked for."""
    assert bare(parse(f"service:{written(value)}")) == ("service", word(value))
