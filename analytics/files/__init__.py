"""Log files as people have them: found, recognised and opened. Nothing is imported here."""

from __future__ import annotations

from analytics.files.kind import Kind, sniff
from analytics.files.opened import expand, lines

__all__ = ["Kind", "expand", "lines", "sniff"]
