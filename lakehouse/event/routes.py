"""The endpoint of a path: the route template that most likely served it. Pure."""

from __future__ import annotations

import re

MALFORMED = "{malformed}"
_DEEPEST = 6
_LONGEST = 48
_ORIGIN = re.compile(r"\A[a-z][a-z0-9+.-]*://[^/?#]*", re.IGNORECASE)
_AFTER_PATH = re.compile(r"[?#].*", re.DOTALL)
_WORD = re.compile(rf"[\w.~:@$+*,=()!-]{{1,{_LONGEST}}}", re.ASCII)
_ID = re.compile(
    r"[\d._,:-]*\d[\d._,:-]*"  # numbers, dates, versions
    r"|(?=.*\d)[0-9a-f]{8,}"  # hashes
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",  # UUIDs
    re.IGNORECASE | re.ASCII,
)
_SLUG = re.compile(r"[^-]+(?:-[^-]+){3,}")
_FILE = re.compile(r".*\.([a-z][a-z0-9]{0,4})", re.IGNORECASE | re.ASCII | re.DOTALL)
_SERVED_BY_CODE = {"php", "asp", "aspx", "jsp", "cgi", "do"}
_KNOWN = {"robots.txt", "favicon.ico"}


def template(path: str) -> str:
    """Returns the endpoint of a path, for example `/api/items/{id}`, by this rule:

    1. Scheme, host, query, fragment, and a slash at the end are dropped.
    2. A segment of digits with `. _ , : -` between (a number, a date), of 8 or more hexadecimal
       digits, or a UUID is `{id}`; so is one over 48 characters, or with an escape or a space.
       Four or more words joined by hyphens are `{slug}`.
    3. A last segment with a suffix is `{file}.png`, except `robots.txt`, `favicon.ico`, and the
       suffixes of scripts (`.php`), whose names are routes.
    4. From the seventh segment on the rest is `{rest}`.
    """
    plain = _AFTER_PATH.sub("", _ORIGIN.sub("", path))
    segments = [segment for segment in plain.split("/") if segment]
    named = [_named(segment) for segment in segments[:_DEEPEST]]
    if len(segments) > _DEEPEST:
        named.append("{rest}")
    elif segments:
        named[-1] = _file(segments[-1]) or named[-1]
    return "/" + "/".join(named)


def _file(segment: str) -> str | None:
    found = _FILE.fullmatch(segment)
    if not found or segment in _KNOWN or found[1].lower() in _SERVED_BY_CODE:
        return None
    return "{file}." + found[1].lower()


def _named(segment: str) -> str:
    if not _WORD.fullmatch(segment) or _ID.fullmatch(segment):
        return "{id}"
    return "{slug}" if _SLUG.fullmatch(segment) else segment
