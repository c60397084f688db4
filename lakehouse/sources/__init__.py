"""Where records come from: which topics are read, and how what is in them becomes events."""

from lakehouse.sources.file import sources_of
from lakehouse.sources.source import Source, Sources

__all__ = ["Source", "Sources", "sources_of"]
