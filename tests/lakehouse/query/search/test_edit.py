"""A query with a term more or less means what it meant, and the term with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.query.search import QueryFault, parse
from lakehouse.query.search.edit import LONGEST_TERM, added, has_term, listed, term, toggled
from lakehouse.query.search.fields import FIELDS, Field, attribute
from lakehouse.query.search.tree import All, Matches, Node, Term

HOST = FIELDS["host"]


@pytest.mark.parametrize(
    ("query", "part", "found"),
    [
        ("", "host:a", "host:a"),
        ("b", "host:a", "b host:a"),
        ("b OR c", "host:a", "(b OR c) host:a"),
        ("(b OR c)", "host:a", "(b OR c) host:a"),
        ('"b OR c"', "host:a", '"b OR c" host:a'),
        ('b "OR" c', "host:a", 'b "OR" c host:a'),
        ("host:(b OR c)", "host:a", "host:(b OR c) host:a"),
        ("host:OR", "host:a", "host:OR host:a"),
        ("host:a OR b", "host:a", "(host:a OR b) host:a"),
        ("-host:a", "host:a", "-host:a host:a"),
        ("NOT host:a", "host:a", "NOT host:a host:a"),
        ("host:a", "host:a", ""),
        ("b AND host:a AND c", "host:a", "b c"),
        ("host:a AND b", "host:a", "b"),
        ("b  host:a", "host:a", "b"),
        ('"NOT" host:a', "host:a", '"NOT"'),
        ('b HOST:"a" c', "host:a", "b c"),
        ("b -host:*", "-host:*", "b"),
        ('host:"AND" b', term(HOST, "AND"), "b"),
        ("b NOT c host:a", "host:a", "b NOT c"),
        ("(b host:a)", "host:a", "(b host:a) host:a"),
    ],
)
def test_a_term_is_toggled(query: str, part: str, found: str) -> None:
    """It is taken out where every row has to fit it, and joined to all of the rest otherwise."""
    assert toggled(query, part) == found


@pytest.mark.parametrize("query", ['b "', "a OR", "service:", "a)"])
def test_a_fault_stays_where_it_is(query: str) -> None:
    """A person sees it in what was written."""
    assert added(query, "host:a") == f"{query} host:a"


WORDS = ["b", "host:a", "-host:a", "host:b", '"OR"', '"NOT"', "host:OR", "path:(x OR y)", "NOT c"]
QUERIES = st.recursive(
    st.sampled_from(WORDS),
    lambda part: st.one_of(
        part.map("({})".format),
        *(
            st.tuples(part, part).map(f"{{0[0]}}{joined}{{0[1]}}".format)
            for joined in (" ", " AND ", " OR ")
        ),
    ),
    max_leaves=6,
)


def parts(query: str) -> list[Node]:
    """What a query asks for, all of which has to fit."""
    found = parse(query)
    return [*found.parts] if isinstance(found, All) else [found]


@given(QUERIES)
def test_a_query_and_a_term_are_all_of_both(query: str) -> None:
    """And without the term again it is the query, but for the term itself."""
    wanted = parse("host:a")
    more = added(query, "host:a")
    meant = [one for one in parts(query) if one != wanted]
    assert wanted in parts(more)
    assert [one for one in parts(more) if one != wanted] in (meant, [parse(query)])
    assert not has_term(toggled(more, "host:a"), "host:a")


FACETED = [*FIELDS.values(), attribute("a b"), attribute(""), attribute('x"y'), attribute("k")]
TEXTS = [name for name in FACETED if name.kind.name in ("WORD", "ATTRIBUTE")]


@given(st.sampled_from(TEXTS), st.text(max_size=600))
def test_a_term_is_the_value_or_none(field: Field, value: str) -> None:
    """What it asks for is the whole value; where a query cannot, there is no term."""
    found = term(field, value)
    if found:
        assert parse(found) == Term(field, Matches((value,)))
    else:
        assert "\x00" in value or 2 * len(value) > LONGEST_TERM - 60


VALUES = {
    "NUMBER": "3",
    "STATUS": "404",
    "LENGTH": "1.5",
    "LEVEL": "INFO",
    "FLAG": "true",
    "TIME": "2026-04-29 12:00:00.123+00",
}


@pytest.mark.parametrize("field", FACETED, ids=lambda of: of.name)
@pytest.mark.parametrize("value", [None, ""])
def test_every_field_has_terms(field: Field, value: str | None) -> None:
    """Of a value as a facet shows it, and of none."""
    given_as = value if value is None else VALUES.get(field.kind.name, "x")
    if field.column == "date" and given_as:
        given_as = "2026-04-29"
    assert parse(term(field, given_as))


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ("", []),
        ("host, level", ["host", "level"]),
        ("host,host", ["host"]),
        (
            'attr."a b" attributes."",attributes.k',
            ["attributes.a b", "attributes.", "attributes.k"],
        ),
        ('attributes."a:b(c)"', ["attributes.a:b(c)"]),
    ],
)
def test_fields_are_listed(names: str, found: list[str]) -> None:
    """As they are named before a colon."""
    assert [field.name for field in listed(names, 4, "facet")] == found


@pytest.mark.parametrize(
    ("names", "start", "end", "says"),
    [
        ("host:web-1", 0, 10, "did you mean host?"),
        ("order:id", 0, 8, 'did you mean attributes."order:id"?'),
        ("host service)", 5, 13, "is no field"),
        ('host attributes."a b', 5, 18, "is no field"),
        ('attributes."a"b', 0, 15, 'as attributes."a b"'),
        ('level "x"', 6, 9, "is no field"),
        ("a\x00b", 0, 3, "is no field"),
        ("host level app", 11, 14, "at most 2 fields"),
    ],
)
def test_a_name_with_more_to_it_is_none(names: str, start: int, end: int, says: str) -> None:
    """Nothing of it is left out unseen; the fault is at its place in the names."""
    with pytest.raises(QueryFault) as raised:
        listed(names, 2, "show")
    fault = raised.value
    assert (fault.query, fault.start, fault.end, fault.given_as) == (names, start, end, "show")
    assert says in str(fault)
