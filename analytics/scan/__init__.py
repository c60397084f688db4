"""What the same question costs on raw files and on the lake, measured."""

from __future__ import annotations

from analytics.scan.compare import Compared, compare
from analytics.scan.cost import Cost
from analytics.scan.sources import Raw, Stored

__all__ = ["Compared", "Cost", "Raw", "Stored", "compare"]
