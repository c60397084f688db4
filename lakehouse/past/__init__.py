"""Any past state of tables that only grow: a ledger of commits, and today's rows of then.

Delta keeps a version as long as its files and its log last. Rows of `logs` and `quarantine` never
change, and each names the commit that brought it, so a state of long ago is those rows of today
whose commits had been made by then. The ledger says which these are, and what was taken away since.
"""

from __future__ import annotations

from lakehouse.past.fold import fold, unnoted
from lakehouse.past.resolve import KEPT, commit_of, commits, oldest, operations, state, time_of
from lakehouse.past.state import Past, State

__all__ = [
    "KEPT",
    "Past",
    "State",
    "commit_of",
    "commits",
    "fold",
    "oldest",
    "operations",
    "state",
    "time_of",
    "unnoted",
]
