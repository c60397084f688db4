"""Upkeep of a table, beside whatever reads and writes it: fewer files, a shorter past.

`optimize` and `vacuum` leave rows as they are: rewritten files say so in the log (`dataChange`
false), and no stream sees them. `retain` and `restore` change rows, in one commit each.
"""

from lakehouse.maintenance.optimize import optimize
from lakehouse.maintenance.points import retained_from
from lakehouse.maintenance.restore import restore
from lakehouse.maintenance.retain import Retained, retain
from lakehouse.maintenance.shape import Shape, Upkeep, shape
from lakehouse.maintenance.vacuum import vacuum

__all__ = [
    "Retained",
    "Shape",
    "Upkeep",
    "optimize",
    "restore",
    "retain",
    "retained_from",
    "shape",
    "vacuum",
]
