"""Secrets that have no `=`: keys of JSON, headers, credentials of an address, `Bearer`."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lakes import raw_rows
from support.records import LIMITS, message

from lakehouse.decode import Decoded, decode, original
from lakehouse.decode.privacy.secrets import masked, masked_bytes, masked_column

SECRET = "s3cr3t.Val-ue_"
KEYS = (
    *("password", "Passwd", "db.pwd", "accessToken", "id_token", "client-secret", "X-Api-Key"),
    *("private_key", "jwt", "credentials", "Authorization", "user_pass"),
)
HEADERS = ("password", "x-auth-token", "accessToken", "X-API-KEY", "client_secret", "passphrase")
HARMLESS = ("session", "tokens", "max_tokens", "author", "passed", "key", "signature", "compass")


def of(**fields: object) -> Decoded:
    """The decoded form of one message."""
    return decode(raw_rows([message(**fields)], [0]), LIMITS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"password":"X","a":1}', '{"password":"***","a":1}'),
        ('{"password" : "X", "a": 1}', '{"password" : "***", "a": 1}'),
        ("{'password': 'X', 'a': 1}", "{'password': '***', 'a': 1}"),
        (r"body {\"password\":\"X\",\"a\":1}", r"body {\"password\":\"***\",\"a\":1}"),
        (r'{"b":"{\"token\":\"X\\\"Y\"}"}', r'{"b":"{\"token\":\"***\"}"}'),
        (r'{"password":"X\"Y\\","a":1}', r'{"password":"***","a":1}'),
        ('{"Authorization":["Bearer X"]}', '{"Authorization":["***"]}'),
        ('{"password":"X', '{"password":"***'),
        ("Authorization: Bearer X", "Authorization: Bearer ***"),
        ("authorization: Basic X, a: b", "authorization: Basic ***, a: b"),
        ("Authorization=Bearer X done", "Authorization=*** done"),
        ("X-Api-Key: X\r\nHost: a", "X-Api-Key: ***\r\nHost: a"),
        ("password: X", "password: ***"),
        ("sent bearer X to b", "sent bearer *** to b"),
        ("postgres://ann:X@db:5432/a", "postgres://ann:***@db:5432/a"),
        ("redis://:X@cache", "redis://:***@cache"),
        (r'password="X\"Y" b', 'password="***" b'),
    ],
)
def test_what_is_around_a_secret_stays(text: str, expected: str) -> None:
    """And to mask what is masked changes nothing."""
    text = text.replace("X", SECRET).replace(f"{SECRET}-Api", "X-Api")
    assert masked(text) == expected == masked(expected)
    assert masked_column(pa.array([None, text])).to_pylist() == [None, expected]


@pytest.mark.parametrize(
    "text",
    [
        "session opened: user root",
        "Unexpected token: <",
        "Bearer authentication failed",
        "authorization: denied",
        "https://x/a:b@c",
        "http://a:8080/b",
        "user@host:path",
        '{"session":"a1","tokens":"12","signature":"void f()"}',
        '{"password":null,"token":{}}',
        "sudo: PWD: /root",
        "TTY=pts/0 ; PWD=/home/ann ; USER=root",
    ],
)
def test_other_texts_stay(text: str) -> None:
    """Words of sentences, and names that are nearly one."""
    assert masked(text) == text
    column = pa.array([text])
    assert masked_column(column).to_pylist() == [text]


@given(
    st.sampled_from(KEYS),
    st.text(max_size=20),
    st.text(max_size=20),
    st.integers(0, 3),
    st.booleans(),
)
def test_a_key_of_json_is_found_at_any_depth(
    name: str, before: str, after: str, depth: int, is_ascii: bool
) -> None:
    """JSON in JSON in JSON: it stays valid, and nothing but the secret changes."""
    text, expected = (
        json.dumps({"a": before, name: value, "b": after}, ensure_ascii=is_ascii)
        for value in (f'{SECRET}"\\{SECRET}', "***")
    )
    for _ in range(depth):
        text, expected = json.dumps({"in": text}), json.dumps({"in": expected})
    if masked(before) == before and masked(after) == after:
        assert masked(text) == expected
    assert SECRET.encode() not in masked_bytes(text.encode())
    json.loads(masked_bytes(text.encode()))
    rows = [before, text, None, after]
    assert masked_column(pa.array(rows)).to_pylist() == [row and masked(row) for row in rows]


@given(
    st.sampled_from((*HEADERS, *HARMLESS)),
    st.text(max_size=20),
    st.text(max_size=10),
    st.sampled_from([": ", " : ", ":", '": "', "=", "//a:"]),
)
def test_a_column_hides_what_a_text_does(name: str, before: str, after: str, sign: str) -> None:
    """The quick look at bytes passes over nothing."""
    rows = [f"{before}{name}{sign}{SECRET}@{after}", f"{before} Bearer {SECRET}{after}"]
    found = masked_column(pa.array(rows)).to_pylist()
    assert found == [masked(row) for row in rows]


@pytest.mark.parametrize("name", KEYS)
def test_an_attribute_of_such_a_name_is_masked(name: str) -> None:
    """Whatever it is; other attributes stay."""
    found = of(**{name: "hunter two", "session.id": "a1", "order": "7"})
    ((attributes,),) = (found.events["attributes"].to_pylist(),)
    assert dict(attributes) == {name: "***", "session.id": "a1", "order": "7"}


def test_attributes_of_other_events_stay() -> None:
    """Those of a batch, in order; without a value, or none at all."""
    values = [message(), message(token="a"), message(order="7", passwd=""), message(pwd=12)]
    found = decode(raw_rows([*values], [*range(4)]), LIMITS).events["attributes"].to_pylist()
    assert found == [None, [("token", "***")], [("order", "7"), ("passwd", "")], [("pwd", "***")]]


def test_rejects_are_masked_and_can_be_replayed() -> None:
    """As they came, but for the secret: numbers too."""
    (reject,) = of(timestamp="?", password=SECRET, pwd=1234).rejects.to_pylist()
    kept = json.loads(original(reject) or b"")
    assert (kept["password"], kept["pwd"]) == ("***", 0)


def test_many_signs_cost_little() -> None:
    """No text takes more steps than it has letters, many times over."""
    for text in (
        ":" * 100_000,
        "\\" * 100_000 + '":"',
        '":"' * 50_000,
        "://" * 50_000,
        " " * 10**5,
    ):
        assert SECRET not in masked(f"{text} password: {SECRET}")
    assert len(masked('"password":"' * 20_000 + "\\" * 50_000)) > 0
