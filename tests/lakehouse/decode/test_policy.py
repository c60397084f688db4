"""A policy says what becomes of fields before anything is written, in events and in rejects."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
import re

import pytest
from support.code import ROOT
from support.lakes import raw_rows
from support.records import LIMITS, message

from lakehouse.decode import Decoded, decode
from lakehouse.decode.privacy import Privacy
from lakehouse.event.policy import Policy, cut, parsed
from lakehouse.formats.reading import Reading
from lakehouse.settings import load
from lakehouse.sources.limits import limits

KEY = b"0123456789abcdef"
USER, EMAIL = "ann.lee", "ann@example.org"


def under(policy: str, *values: bytes, reading: Reading | None = None) -> Decoded:
    """These messages, decoded under a policy."""
    private = Privacy(policy=Policy(parsed(policy), KEY))
    limits_ = dataclasses.replace(LIMITS, privacy=private)
    readings = {"web-logs": reading} if reading else None
    return decode(raw_rows([*values], [*range(len(values))]), limits_, readings)


def test_fields_are_hashed_cut_and_dropped() -> None:
    """Each as its policy says; others stay."""
    value = message(user=USER, ip="203.0.113.77", email=EMAIL, order="7")
    (event,) = under("user=hash, ip=cut, attributes.email=drop", value).events.to_pylist()
    digest = hmac.new(KEY, USER.encode(), hashlib.sha256).hexdigest()[:24]
    assert (event["user"], event["ip"], event["attributes"]) == (
        digest,
        "203.0.113.0",
        [("order", "7")],
    )


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("2001:db8:1:2:3::4", "2001:db8:1::"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("unknown", None),
    ],
)
def test_an_address_is_cut_to_its_network(address: str, network: str | None) -> None:
    """What is none is dropped."""
    assert cut(address) == network


def test_a_value_that_was_moved_is_private_too() -> None:
    """One that does not fit its field is an attribute; one that a constant hides, `original.`."""
    reading = Reading(constants={"user": "nobody"}, mapping={"who": "user"})
    found = under("user=drop, ip=drop", message(who=USER, ip=["203.0.113.77"]), reading=reading)
    assert found.events.num_rows == 1
    assert USER not in str(found.events.to_pylist())
    assert "203.0.113" not in str(found.events.to_pylist())


def test_rejects_are_kept_under_the_policy() -> None:
    """By the keys of their objects, mapped ones too; what is no object is kept without payload."""
    bad = json.dumps({"who": USER, "ip": "203.0.113.77", "a": {"email": EMAIL}, "n": 1}).encode()
    reading = Reading(mapping={"who": "user"})
    policy = "user=hash, ip=cut, attributes.a.email=drop"
    found = under(policy, bad, b"{" + USER.encode(), reading=reading).rejects.to_pylist()
    assert not any(value in str(found) for value in (USER, "203.0.113.77", EMAIL))
    kept = json.loads(found[0]["payload"])
    assert (kept["ip"], kept["n"], found[1]["payload"]) == ("203.0.113.0", 1, None)


POLICY = "ip=cut, user=hash, attributes.email=drop"
WITHIN = [
    {"user": {"id": USER, "name": USER}, "email": {"home": EMAIL}},
    {"user_id": USER, "Username": USER, "userName": USER, "user.name": USER},
    {"client_ip": "203.0.113.77", "remote_addr": "203.0.113.77", "client": "203.0.113.77"},
    {"Email": EMAIL, "EMAIL": {"Home": EMAIL}, "User": {"Id": {"n": USER}}, "IP": "203.0.113.77"},
]


@pytest.mark.parametrize("more", WITHIN)
@pytest.mark.parametrize("copies", [1, 600])
def test_a_rule_is_also_for_what_is_within_and_other_names(more: object, copies: int) -> None:
    """In events, also where their keys are looked for in many, and in rejects."""
    plain = {"order": "7", "client": "mobile", "host": "h1"}
    good = message(**{"ip": "198.51.100.7", **plain, **more})  # type: ignore[dict-item]
    bad = json.dumps({**plain, **more}).encode()  # type: ignore[dict-item]
    found = under(POLICY, *[good] * copies, bad)
    rows = [*found.events.to_pylist(), *found.rejects.to_pylist()]
    assert len(rows) == copies + 1
    assert not any(value in str(rows) for value in (USER, EMAIL, "203.0.113.77"))
    assert ("order", "7") in rows[0]["attributes"]


def test_a_rule_is_for_no_more_than_that() -> None:
    """A program that calls itself a client, another field, and what a longer rule keeps."""
    more = {"client": "mobile", "clients": "5", "user_id": USER, "request": {"id": "r1"}}
    policy = "ip=cut, user=drop, path=drop, attributes.user_id=keep"
    (event,) = under(policy, message(**more, host="h1")).events.to_pylist()
    assert dict(event["attributes"]) == {
        **{"client": "mobile", "clients": "5", "user_id": USER, "request.id": "r1"},
    }
    assert event["host"] == "h1"


@pytest.mark.parametrize(
    "wrong",
    [
        "user=cut",
        "message=cut",
        "ip",
        "ip=hide",
        "nobody=drop",
        "service=drop",
        "status_code=hash",
        "ip=cut, ip=drop",
    ],
)
def test_a_policy_that_means_nothing_is_refused(wrong: str) -> None:
    """In words."""
    with pytest.raises(ValueError, match=wrong.partition("=")[0]):
        parsed(wrong)


def test_a_hash_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of the settings or a file; it is shown nowhere."""
    monkeypatch.setenv("LOGPOND_PRIVACY_POLICY", "user=hash")
    with pytest.raises(Exception, match="needs a key"):
        limits(load())
    monkeypatch.setenv("LOGPOND_PRIVACY_KEY", KEY.decode())
    assert KEY.decode() not in repr(limits(load())) + repr(load())


def test_the_page_shows_a_policy_that_fits() -> None:
    """As it stands in docs/privacy.md."""
    (shown,) = re.findall(r'policy = "(.*)"', (ROOT / "docs" / "privacy.md").read_text())
    assert parsed(shown) == {"ip": "cut", "user": "hash", "attributes.email": "drop"}


def test_masking_can_be_turned_off() -> None:
    """For who needs the texts as they came."""
    limits_ = dataclasses.replace(LIMITS, privacy=Privacy(masks=False))
    found = decode(raw_rows([message(path="/?token=abc")], [0]), limits_)
    assert found.events["path"].to_pylist() == ["/?token=abc"]
