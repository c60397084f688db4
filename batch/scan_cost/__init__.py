"""What the same question costs on raw files and on the lake, measured."""

from __future__ import annotations

from batch.scan_cost.compare import Compared, compare
from batch.scan_cost.cost import Cost
from batch.scan_cost.sources import Raw, Stored

__all__ = ["Compared", "Cost", "Raw", "Stored", "compare"]
