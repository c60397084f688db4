"""Upkeep of a table, beside whatever reads and writes it: fewer files, a shorter past.

Rows stay as they are. Rewritten files say so in the log (`dataChange` false): no stream sees them.
"""

from lakehouse.maintenance.optimize import optimize
from lakehouse.maintenance.shape import Shape, Upkeep, shape
from lakehouse.maintenance.vacuum import vacuum

__all__ = ["Shape", "Upkeep", "optimize", "shape", "vacuum"]
