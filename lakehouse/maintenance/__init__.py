"""Maintenance of a table while others read and write it: fewer files, a shorter history.

`optimize` and `vacuum` do not change rows: rewritten files say so in the log (`dataChange` false),
and streams skip them. `retain` and `restore` change rows, in one commit each.
"""

from lakehouse.maintenance.apply import Applied, apply, retain_raw, weights_of
from lakehouse.maintenance.forget import forget_log, forget_versions, unknown_files
from lakehouse.maintenance.optimize import optimize
from lakehouse.maintenance.partitions import REFUSALS, Part, parts, rewrite
from lakehouse.maintenance.restore import restorable, restore
from lakehouse.maintenance.retain import Retained, retain
from lakehouse.maintenance.retention_marks import countable_from, retained_from
from lakehouse.maintenance.rules import Rule, rules_of
from lakehouse.maintenance.size import SMALL_BYTES, Shape, Upkeep, shape
from lakehouse.maintenance.trim import Trimmed, set_properties, trim
from lakehouse.maintenance.vacuum import vacuum

__all__ = [
    "REFUSALS",
    "SMALL_BYTES",
    "Applied",
    "Part",
    "Retained",
    "Rule",
    "Shape",
    "Trimmed",
    "Upkeep",
    "apply",
    "countable_from",
    "forget_log",
    "forget_versions",
    "optimize",
    "parts",
    "restorable",
    "restore",
    "retain",
    "retain_raw",
    "retained_from",
    "rewrite",
    "rules_of",
    "set_properties",
    "shape",
    "trim",
    "unknown_files",
    "vacuum",
    "weights_of",
]
