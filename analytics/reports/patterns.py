"""What messages say, without their variable parts: how often, since when, at which levels."""

from __future__ import annotations

from analytics.patterns.patterns import SQL, folded
from analytics.reports.report import Report

REPORT = Report(
    name="patterns",
    title="Patterns of messages: lines that differ in their variable parts alone are one",
    table="logs",
    sql=SQL,
    fold=folded,
)
