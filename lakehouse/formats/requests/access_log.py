"""Access logs of Apache, nginx, Tomcat and their kin: common, combined, and what stands around.

A virtual host or a list of X-Forwarded-For before the address is known, as are the usual fields
after the agent (request time, upstream, those of nginx ingress). A line whose address is none is
refused, and what stands in its place is named: nothing of a broken line is guessed. Pure.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lakehouse.event.routes import MALFORMED, template
from lakehouse.formats import times
from lakehouse.formats.format import (
    ENOUGH,
    Fault,
    Fields,
    Format,
    Parse,
    Proposal,
    Sample,
    with_more,
)
from lakehouse.formats.reading import Reading
from lakehouse.formats.requests.access_tail import TEXT, tail
from lakehouse.formats.values import address, is_address

SERVICE = "web"
PREFIX = "what stands where the address should be"
REFUSED = 10
# Lengths are bounded where a field has no closing mark, so that a hostile line costs no more.
_REST = (
    rf'"(?P<request>{TEXT})" (?P<status>[1-5]\d\d) (?P<size>\d{{1,18}}|-)'
    rf'(?: "(?P<referer>{TEXT})" "(?P<agent>{TEXT})"|(?! "))'
    rf'(?P<tail>(?: (?:"{TEXT}"|[^\s"]++(?:"{TEXT}")?))*+)\s*'
)
_LINE = re.compile(
    r"(?P<ip>[\da-fA-F.:]{3,45}) (?P<ident>\S{1,255}) (?P<user>\S{1,255}) "
    rf"\[(?P<time>[^\]]{{26}})\] {_REST}",
    re.ASCII,
)
_FREE_LINE = re.compile(
    rf"(?P<head>.{{1,512}}?) \[(?P<time>[^\]]{{10,40}})\] (?:(?P<duration>\d{{1,18}}) )?{_REST}",
    re.ASCII,
)
_HEAD = re.compile(r"(?P<first>\S+) (?P<ident>\S{1,255}) (?P<user>.{1,255})", re.ASCII)
_LIST = re.compile(
    r'"?(?P<list>(?:[\da-fA-F.:]+|unknown|-)(?:, ?(?:[\da-fA-F.:]+|unknown))*)"? (?P<rest>.+)',
    re.ASCII,
)
_HOST = re.compile(r"(?:[A-Za-z0-9_-]+\.)+[A-Za-z][A-Za-z0-9-]*\.?|localhost", re.ASCII)
_REQUEST = re.compile(r"([A-Z][A-Z-]{2,24}) (\S.*?)(?: HTTP/\d(?:\.\d)?)?", re.ASCII)
_ESCAPE = re.compile(r"(?:\\x[0-9a-fA-F]{2})+|\\.", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "v": "\v", "f": "\f"}
# What is known of a client, who it says it is, and the user that it logged in as.
Head = tuple[Fields, str, str]
COLUMNS = (
    "ip",
    "user",
    "timestamp",
    "method",
    "path",
    "endpoint",
    "status_code",
    "bytes_sent",
    "user_agent",
    "response_time",
    "referer",
)


def fields(line: str | bytes) -> Fields | Fault:
    """What a line says, by the names of event fields; a Fault for a line that is none.

    `-` stands for a missing value. A request that is no HTTP request becomes the path, without a
    method. Bytes that are no UTF-8 stay readable as `\\xff`, as Apache writes them itself.
    """
    text = line if isinstance(line, str) else line.decode(errors="backslashreplace")
    found = _LINE.fullmatch(text)
    if found and _is_address(found["ip"]):
        return _fields(found, {"ip": found["ip"]}, found["user"], found["ident"])
    return _unusual(text)


def _unusual(text: str) -> Fields | Fault:
    """A line with something before its address, in its time or before its request."""
    found = _FREE_LINE.fullmatch(text)
    if not found:
        return FORMAT.fault()
    head = _client(found["head"])
    if not head:
        return FORMAT.fault(f"{PREFIX} is {_excerpt(found['head'])}")
    known, ident, user = head
    if found["duration"]:
        known["duration"] = found["duration"]
    return _fields(found, known, user, ident)


def _client(head: str) -> Head | None:
    """Whose request it was, by all that stands before the time."""
    if listed := _listed(head):
        return listed
    named = _HEAD.fullmatch(head)
    if not named:
        return None
    first, second = named["first"], named["ident"]
    inner = _HEAD.fullmatch(f"{second} {named['user']}")
    if inner and _is_site(first) and (client := _known(second)):
        site: Fields = {} if first in ("-", "_") else {"vhost": first}
        return {**client, **site}, inner["ident"], inner["user"]
    client = _known(first)
    return None if client is None else (client, second, named["user"])


def _listed(head: str) -> Head | None:
    """A list of X-Forwarded-For, in quotes or not: its first address is the client's."""
    found = _LIST.fullmatch(head)
    if not found or not (head.startswith('"') or "," in found["list"]):
        return None
    known: Fields = {} if found["list"] == "-" else {"x_forwarded_for": found["list"]}
    addresses = [a for a in re.split(r", ?", found["list"]) if _is_address(a)]
    proxy = _HEAD.fullmatch(found["rest"])
    if proxy and _is_address(proxy["first"]):
        return {"ip": (*addresses, proxy["first"])[0], **known}, proxy["ident"], proxy["user"]
    ident, _, user = found["rest"].partition(" ")
    return ({"ip": addresses[0], **known}, ident, user) if addresses and user else None


def _is_site(text: str) -> bool:
    """A virtual host, with its port or not, or what stands for none."""
    name, _, port = text.rpartition(":") if ":" in text else (text, "", "")
    return text in ("-", "_", "*") or bool(_HOST.fullmatch(name) and port.isdigit() >= bool(port))


def _fields(found: re.Match[str], known: Fields, user: str, ident: str) -> Fields | Fault:
    time = _time(found["time"])
    if time is None:
        return FORMAT.fault("its time is none")
    method, path = _request(found["request"])
    size, agent, referer = found["size"], found["agent"], found["referer"]
    known["timestamp"] = time
    known["endpoint"] = template(path) if method and path else MALFORMED
    known["status_code"] = int(found["status"])
    optional = {
        "method": method,
        "path": path,
        "bytes_sent": None if size == "-" else int(size),
        "user_agent": agent and _value(agent),
        "user": None if user == "-" else _value(user.strip('"')),
        "referer": referer and _value(referer),
        "ident": None if ident == "-" else ident,
    }
    for name, value in optional.items():
        if value is not None:
            known[name] = value
    return with_more(known, tail(found["tail"])) if found["tail"] else known


def _known(text: str) -> Fields | None:
    """What is known of a client: its address, with a port or not, the name of its host that the
    server looked up, or nothing at all (`-`). None where a text is something else.
    """
    if text == "-":
        return {}
    if _is_address(text) or _HOST.fullmatch(text):
        return {"ip": text}
    bare = address(text)
    if bare == text or "," in text or not _is_address(bare):
        return None
    return {"ip": bare, "client_port": text.rpartition(":")[2]}


@lru_cache(maxsize=8192)
def _is_address(text: str) -> bool:
    return is_address(text)


def _request(raw: str) -> tuple[str | None, str | None]:
    request = _value(raw)
    found = _REQUEST.fullmatch(request) if request else None
    return (found[1], found[2]) if found else (None, request)


def _value(raw: str | None) -> str | None:
    """A field without its escapes; None for what is not there."""
    if raw is None or raw in ("-", ""):
        return None
    return _ESCAPE.sub(_unescaped, raw) if "\\" in raw else raw


def _unescaped(escape: re.Match[str]) -> str:
    """One escape; neighbouring `\\xhh` belong together, as the bytes of one character may."""
    written = escape[0]
    if written.startswith(r"\x") and len(written) > 2:
        return bytes.fromhex(written.replace(r"\x", "")).decode(errors="backslashreplace")
    return _ESCAPED.get(written[1], written[1])


@lru_cache(maxsize=1024)
def _time(written: str) -> str | None:
    return times.rfc_3339(written)


def _excerpt(head: str) -> str:
    return repr(head if len(head) <= 60 else f"{head[:60]}...")


def _parser(_reading: Reading) -> Parse:
    return lambda record, _before: fields(record.rstrip())


def _recognise(sample: Sample) -> Proposal | None:
    found = [fields(line.rstrip()) for line in sample.lines]
    share = sum(isinstance(one, dict) for one in found) / max(len(found), 1)
    if share >= ENOUGH:
        return Proposal(share, columns=COLUMNS)
    refused = [one.detail for one in found if isinstance(one, Fault) and PREFIX in one.detail]
    share += len(refused) / max(len(found), 1)
    if share < ENOUGH:
        return None
    # whatever knows the prefix comes first
    return Proposal(share, columns=COLUMNS, notes=(refused[0],), specificity=REFUSED)


FORMAT = Format(
    name="access-log",
    title="access log",
    wanted="access log line",
    specificity=80,
    parser=_parser,
    recognise=_recognise,
    service=SERVICE,
)
