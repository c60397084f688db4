"""Recognises attack strings in paths, and names the path that an error counts for. Pure."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from lakehouse.event.routes import template

_LONGEST = 300
_ATTACK = re.compile(
    r"[<>`]|[\"'][\s)]*(?:;|--|#|\|\||&&|\b(?:or|and|union|having|order|in|like|group)\b|[=+|(])"
    r"|\b(?:union\s+(?:all\s+)?select|select\b.{1,80}\bfrom|insert\s+into|drop\s+table|sleep\s*\("
    r"|waitfor\s+delay|benchmark\s*\(|order\s+by\s+\d|having\s+\d|exec\b|declare\s+@|char\s*\()"
    r"|(?<![-\w/])(?:or|and|where|when|if|iif|rlike|case)\b\s*\(*\s*['\"\d(]?[^&]{0,60}[=<>*(]"
    r"|\b(?:(?:java|vb)script:|on(?:error|load)\s*=|document\.(?:cookie|location|write)|alert\()"
    r"|(?:\.{1,2}[/\\]{1,2}){2}|\.{4,}|(?:0x2e){2}|/(?:usr/)?bin/|[a-z]:[/\\]?(?:windows|inetpub)"
    r"|\.\.%2f|/etc/(?:passwd|shadow|group|hosts)|\b(?:win|boot|php)\.ini\b"
    r"|[;|&$]\s*\(?(?:cat|ls|id|wget|curl|nc|ping|bash|sh|whoami|uname|echo|dir|type|sleep)\b"
    r"|\$\{|<\?|\x00|file://|php://|phpinfo|_xml|xp_cmdshell|/\*|\*/|--\s*$|\|\|",
    re.IGNORECASE | re.DOTALL,
)


def is_attack(path: str) -> bool:
    """Whether a path or its query looks like an injection, a traversal or a command."""
    return bool(_ATTACK.search(unquote_plus(path[:_LONGEST])))


def counted_as(path: str) -> str:
    """Returns the route template of a path; an attack string is its own, as each is another try."""
    return path[:_LONGEST] if is_attack(path) else template(path)
