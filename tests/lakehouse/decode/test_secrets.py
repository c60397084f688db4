"""No value of `token=`, `password=` and their like is written, in whichever case or encoding."""

from __future__ import annotations

import json
from urllib.parse import quote

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lakes import raw_rows
from support.records import LIMITS, message

from lakehouse.decode import Decoded, decode, original
from lakehouse.decode.privacy.secrets import RAW, masked, masked_bytes, masked_column

NAMES = (
    *("token", "access_token", "id-token", "csrfToken", "password", "passwd", "PWD", "user_pwd"),
    *("secret", "client_secret", "api_key", "apikey", "X-Api-Key", "access.key", "secretKey"),
    *("session", "session_id", "PHPSESSID", "JSESSIONID", "sid", "signature", "X-Amz-Signature"),
    *("sig", "auth", "oauth", "Authorization", "jwt", "credentials", "user[password]", "pass"),
)
HARMLESS = (
    *("page", "tokens", "author", "class", "userid", "bypass", "key", "sort_key", "compassion"),
    *("user_id", "design", "signed", "monkey", "passenger"),
)
SECRET = "s3cr3t.Val-ue_"


def encoded(name: str, every: int) -> str:
    """A name with each `every`-th sign encoded."""
    return "".join(f"%{ord(c):02x}" if n % every == 0 else c for n, c in enumerate(name))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "change",
    [str, str.upper, lambda name: encoded(name, 1), lambda name: encoded(name, 3)],
    ids=["as it is", "upper", "encoded", "encoded in part"],
)
@pytest.mark.parametrize("sign", ["=", "%3D", "%3d", "%253D"])
def test_values_of_secrets_are_masked(name: str, change: object, sign: str) -> None:
    """One by one and in a column; what follows stays."""
    end = "&" if sign == "=" else sign.lower().replace("3d", "26")
    text = f"/login?a=1{end}{change(name)}{sign}{SECRET}{end}page=2 done"  # type: ignore[operator]
    (found,) = masked_column(pa.array([text])).to_pylist()
    assert SECRET not in found
    assert found == masked(text) == text.replace(SECRET, "***")


@pytest.mark.parametrize("name", HARMLESS)
def test_other_names_keep_their_values(name: str) -> None:
    """Also such as are nearly one."""
    text = f"/a?{name}=42&b=%20{name}%3D7"
    column = pa.array([text, None, ""])
    assert masked(text) == text
    assert masked_column(column) is column


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('login password="a b" ok', 'login password="***" ok'),
        ("login password='a b' ok", "login password='***' ok"),
        ("token=", "token="),
        ("token=&a=b", "token=&a=b"),
        ("token=abc token=def", "token=*** token=***"),
        ("token=***", "token=***"),
        ("(secret=abc), [auth=def]", "(secret=***), [auth=***]"),
        ("https://x/?token=abc#part", "https://x/?token=***#part"),
        (
            "next=https%3A%2F%2Fx%3Ftoken%3Dabc%26y%3D1&z=2",
            "next=https%3A%2F%2Fx%3Ftoken%3D***%26y%3D1&z=2",
        ),
        ("password=a%26b%3Dc&x=1", "password=***&x=1"),
        (
            "?passwords[]=abc&token[]=d&token%5B%5D=e",
            "?passwords[]=***&token[]=***&token%5B%5D=***",
        ),
        (
            "user[password][]=a&tokens[0]=b&token[a]=c",
            "user[password][]=***&tokens[0]=***&token[a]=***",
        ),
        ("run --password abc --x-token 'a b' c", "run --password *** --x-token '***' c"),
        ('--pass "a b" --api-key k1 --name n', '--pass "***" --api-key *** --name n'),
        ("password = 'a b', c", "password = '***', c"),
        ('db.password   =   "a", c', 'db.password   =   "***", c'),
        ("token = abc; api_key =abc", "token = ***; api_key =***"),
    ],
)
def test_what_is_around_a_secret_stays(text: str, expected: str) -> None:
    """And to mask what is masked changes nothing."""
    assert masked(text) == expected == masked(expected)


@pytest.mark.parametrize(
    "text",
    [
        *("password is wrong", "the --password flag is needed", "use --password to log in"),
        *("if password == given", "max_tokens = 100", "session = Session(a)", "--token --name n"),
        *(
            "password= user=ann",
            "--tokens 5",
            "bypass = 1",
            "a --password",
            "password =",
            "----- token",
        ),
    ],
)
def test_sentences_and_programs_stay(text: str) -> None:
    """What names a secret, and gives none."""
    assert masked(text) == text
    assert masked_column(pa.array([text, text])).to_pylist() == [text, text]


@given(
    st.sampled_from(["--password ", "token[]=", "password = ", "--x-api-key  ", "secrets[a]="]),
    st.text(max_size=20),
    st.text(max_size=20),
    st.sampled_from(["", "'", '"']),
)
def test_blanks_and_brackets_are_looked_for_in_columns_too(
    name: str, before: str, after: str, quote: str
) -> None:
    """The quick look passes over nothing, and a message stays JSON."""
    text = f"{before} {name}{quote}{SECRET}{quote} {after}"
    found = masked_column(pa.array([before, text, after])).to_pylist()
    assert found == [masked(one) for one in (before, text, after)]
    raw = masked_bytes(json.dumps({"a": text, "b": name, "c": after}).encode())
    assert {*json.loads(raw)} == {"a", "b", "c"}


@given(
    st.sampled_from(NAMES),
    st.text(min_size=0, max_size=20),
    st.text(st.characters(codec="utf-8", exclude_characters="\"'"), min_size=0, max_size=10),
    st.integers(1, 9),
    st.booleans(),
)
def test_a_column_hides_what_a_text_does(
    name: str, before: str, after: str, every: int, upper: bool
) -> None:
    """Whatever is around it: the quick look at bytes passes over nothing."""
    name = encoded(name.upper() if upper else name, every) if every < 9 else name
    text = f"{before}?{name}={SECRET}&{after}"
    rows = [before, text, None, after, text[::-1]]
    found = masked_column(pa.array(rows)).to_pylist()
    assert found == [row and masked(row) for row in rows]
    assert SECRET not in found[1]
    (sliced,) = masked_column(pa.array(rows).slice(1, 1)).to_pylist()
    assert sliced == found[1]


@given(st.sampled_from(NAMES), st.text(max_size=30), st.text(max_size=30), st.booleans())
def test_a_message_stays_json(name: str, before: str, value: str, is_ascii: bool) -> None:
    """In quarantine it is masked as it came, and can be decoded again."""
    event = {"path": f"{before}&{name}={SECRET}{value}", "token": 1, "b": [f"{name}="]}
    found = masked_bytes(json.dumps(event, ensure_ascii=is_ascii).encode())
    assert {**json.loads(found), "path": ""} == {**event, "path": ""}
    assert SECRET.encode() not in found


def test_bytes_that_are_no_text_keep_their_length() -> None:
    """A length that stands before them is still right."""
    payload = b"\xff\x00token=abcdef&x"
    assert masked_bytes(payload) == b"\xff\x00token=******&x"


def test_many_signs_cost_little() -> None:
    """No text takes more steps than it has letters, many times over."""
    for text in (
        "=" * 100_000,
        "a=" * 50_000,
        "%3d" * 30_000,
        "token" * 20_000 + "=x",
        "x" * 10**6,
    ):
        assert len(masked(f"{text} token=abc", value=RAW)) <= len(text) + 12


def of(**fields: object) -> Decoded:
    """The decoded form of one message."""
    return decode(raw_rows([message(**fields)], [0]), LIMITS)


def test_texts_and_attributes_are_masked() -> None:
    """Nothing else of the event changes."""
    url = f"/a?token={SECRET}&b=c"
    found = of(path=url, message=f"GET {url}", exception=url, attributes={"referer": url})
    (event,) = found.events.to_pylist()
    assert SECRET not in str(event)
    assert (event["path"], event["message"]) == ("/a?token=***&b=c", "GET /a?token=***&b=c")
    assert [*dict(event["attributes"]).values()] == ["/a?token=***&b=c"]


def test_a_batch_keeps_its_attributes() -> None:
    """Those of events without secrets, and events without attributes."""
    values = [message(), message(referer=f"?jwt={SECRET}"), message(order="7")]
    found = decode(raw_rows([*values], [0, 1, 2]), LIMITS).events["attributes"].to_pylist()
    assert found == [None, [("referer", "?jwt=***")], [("order", "7")]]


def test_rejects_are_masked_and_can_be_replayed() -> None:
    """Their length and hash are those of what is kept."""
    found = of(status_code="no", timestamp="?", path=f"/?api_key={SECRET}").rejects.to_pylist()
    (reject,) = found
    assert SECRET not in str(reject)
    assert json.loads(original(reject) or b"")["path"] == "/?api_key=***"


def test_encoded_once_more_is_masked() -> None:
    """A name that was encoded as a whole address."""
    assert SECRET not in masked(quote(f"https://x/?token={SECRET}&a=b"))
