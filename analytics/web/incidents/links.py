"""Links of Explore in what people write about an incident. Pure."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from lakehouse.terminal.render import escaped

# As the address bar shows it, or without this server; it ends at a blank.
LINK = re.compile(
    r"(?<!\S)(https?://[^/\s]+)?(/explore(?:/(?:view|trace|context|compare))?\?[!-~]+)(?!\S)"
)


def linked(text: str, own: str) -> Markup:
    """A text with links of Explore as links within this server, whose address is `own`.

    What leads to any other server stays text, whatever it looks like.
    """
    parts, end = [], 0
    for found in LINK.finditer(text):
        if found[1] and found[1] != own.rstrip("/"):
            continue
        parts += [_text(text[end : found.start()])]
        parts += [Markup('<a href="{}">{}</a>').format(found[2], _text(found[0]))]
        end = found.end()
    return Markup("").join([*parts, _text(text[end:])])


def _text(part: str) -> Markup:
    return escape(escaped(part, keep="\n"))
