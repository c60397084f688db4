"""Which format lines are of: the most specific one that knows enough of them. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from lakehouse.formats.format import ENOUGH, Format, Proposal, Sample
from lakehouse.formats.registry import formats

LINES = 100


class Recognised(NamedTuple):
    """A format, and how it would read the lines."""

    format: Format
    proposal: Proposal


def recognise(
    sample: Sample, allowed: Callable[[Format], bool] = lambda _format: True
) -> Recognised | None:
    """The format of a sample; ties of specificity go to the larger share. None of no lines."""
    if not sample.lines:
        return None
    found = [
        Recognised(format, proposal)
        for format in formats().values()
        if allowed(format) and (proposal := format.recognise(sample))
        if proposal.share >= ENOUGH
    ]
    return max(found, key=_rank, default=None)


def _rank(one: Recognised) -> tuple[int, float]:
    own = one.proposal.specificity
    return one.format.specificity if own is None else own, one.proposal.share


def sample_of(head: bytes) -> Sample:
    """The first lines of a text, but for blank ones."""
    lines = [line for line in head.splitlines() if line.strip()][:LINES]
    return Sample(lines, head)
