"""Reads from `logs` sample events of incidents of rules: rows that the rule counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import groupby

import duckdb
from deltalake import DeltaTable

from anomaly.engine.incident import Incident, with_evidence
from anomaly.lake.counted import MINUTE, Counted, Span, counted
from anomaly.rules.rule import Rule
from anomaly.rules.tally import rows_of
from lakehouse.paths import Places
from lakehouse.windows.horizon import midnight

MOST_SAMPLES, MOST_MINUTES = 5, 60


def read_samples(
    places: Places, closed: DeltaTable, incidents: Iterable[Incident], rules: Mapping[str, Rule]
) -> Iterator[Incident]:
    """Yields the incidents with the newest rows up to the minute that opened them.

    As for other incidents only rows that closed minutes counted are read.
    """
    in_order = sorted(incidents, key=lambda one: one.opened)
    if not in_order:
        return
    with counted(places, closed) as rows:
        for opened, each in groupby(in_order, key=lambda one: one.opened):
            for one in each:
                rule = rules[one.rule]
                first = opened - (min(rule.condition.longest, MOST_MINUTES) - 1) * MINUTE
                span = Span(max(first, midnight(opened)), opened + MINUTE)
                yield with_evidence(one, _samples(rows, span, rule, one), [])


def group_of(rule: Rule, incident: Incident) -> list[str]:
    """Returns the values of the group that an incident is about, in the order of `by`."""
    labels = dict(label.partition("=")[::2] for label in incident.labels)
    return [labels.get(field.name, "") for field in rule.by]


def _samples(rows: Counted, span: Span, rule: Rule, one: Incident) -> list[str]:
    query = (
        f"SELECT event_id FROM {rows.rows(span)} WHERE {rows_of(rule, group_of(rule, one))} "
        f"ORDER BY timestamp DESC, event_id LIMIT {MOST_SAMPLES}"
    )
    with suppress(duckdb.Error):
        return [name for (name,) in rows.connection.sql(query).fetchall()]
    return []
