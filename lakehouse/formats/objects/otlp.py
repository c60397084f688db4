"""OTLP: requests of logs, in JSON or protobuf, each with several events. Pure.

Resource attributes, scope and attributes are keys of each event; those that OpenTelemetry names
as it does a field of an event are that field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from lakehouse.event.budgets import BUDGETS
from lakehouse.formats.format import ENOUGH, Fault, Fields, Format, Parse, Proposal, Record, Sample
from lakehouse.formats.objects.json import objects_of
from lakehouse.formats.objects.json import split as split_json
from lakehouse.formats.reading import Reading

COLUMNS = ("timestamp", "service", "level", "severity_number", "message", "logger", "trace_id")
_REQUEST = "resourceLogs"


def _parser(_reading: Reading) -> Parse:
    from lakehouse.formats import otlp_events
    from lakehouse.formats.objects.otlp_request import JSON, PROTOBUF, OverBudget

    def parse(record: bytes, _before: datetime | None) -> list[Fields] | Fault:
        encoding = JSON if record.lstrip()[:1] == b"{" else PROTOBUF
        most = min(BUDGETS.unfolded, BUDGETS.unfolded_ratio * len(record))
        try:
            found = [*otlp_events.events(record, encoding, most)]
        except OverBudget as error:
            return Fault("over_budget", str(error))
        except ValueError as error:
            return FORMAT.fault(str(error)[:80])
        if not found:
            return FORMAT.fault("it holds no log record")
        short = [one for one in found if one is not None]
        is_whole = len(short) == len(found)
        return short if is_whole else Fault("over_budget", "one of its records is too large")

    return parse


def _split(lines: Iterable[tuple[int, bytes]], reading: Reading) -> Iterator[Record]:
    return split_json(lines, reading)


def _recognise(sample: Sample) -> Proposal | None:
    found, share, layout = objects_of(sample)
    share *= sum(_REQUEST in one for one in found) / max(len(found), 1)
    options = {} if layout == "lines" else {"layout": layout}
    return Proposal(share, options, columns=COLUMNS) if share >= ENOUGH else None


FORMAT = Format(
    name="otlp",
    title="OTLP",
    wanted="request of OTLP logs",
    specificity=96,
    parser=_parser,
    recognise=_recognise,
    split=_split,
    holds_several=True,
)
