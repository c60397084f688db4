"""Log files as people have them: found, recognised and opened. Nothing is imported here."""

from __future__ import annotations

from batch.formats.kind import Kind, sniff
from batch.formats.opened import expand, lines

__all__ = ["Kind", "expand", "lines", "sniff"]
