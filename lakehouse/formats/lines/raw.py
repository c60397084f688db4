"""Lines of any kind: the line is the message. Pure."""

from __future__ import annotations

from datetime import datetime

from lakehouse.formats.format import Fault, Fields, Format, Parse, Proposal, Sample
from lakehouse.formats.reading import Reading


def _parser(_reading: Reading) -> Parse:
    def parse(record: bytes, _before: datetime | None) -> Fields | Fault:
        text = record.decode(errors="backslashreplace").rstrip("\r\n")
        return {"message": text}

    return parse


def _recognise(_sample: Sample) -> Proposal | None:
    note = "each line is a message: no format is known that finds a time or a level in them"
    return Proposal(1.0, columns=("message",), notes=(note,))


FORMAT = Format(
    name="raw",
    title="plain lines",
    wanted="line",
    specificity=0,
    parser=_parser,
    recognise=_recognise,
)
