"""The reports, one file each: every module here has a `REPORT`."""

from __future__ import annotations

import importlib
import pkgutil

from analytics.reports.report import LIMIT, Report, draw, run

NOT_REPORTS = {"report"}


def discover() -> dict[str, Report]:
    """Returns name -> `REPORT` of every module here."""
    names = sorted(of.name for of in pkgutil.iter_modules(__path__) if of.name not in NOT_REPORTS)
    found = (importlib.import_module(f"{__name__}.{name}").REPORT for name in names)
    return {report.name: report for report in found}


REPORTS = discover()

__all__ = ["LIMIT", "REPORTS", "Report", "discover", "draw", "run"]
