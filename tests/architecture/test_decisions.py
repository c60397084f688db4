"""Each number of a decision is one record's, and what cites one cites one that is there."""

from __future__ import annotations

import re
from collections import Counter

from lakehouse.runtime.environment import ROOT

RECORDS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
CITED = re.compile(r"\(decisions? (\d+)")


def test_each_number_is_one_record() -> None:
    """Two that were written at the same time are told apart, in the name and in the title."""
    numbers = Counter(int(file.name[:4]) for file in RECORDS)
    assert {number: count for number, count in numbers.items() if count > 1} == {}
    titles = {file.name: file.read_text().partition(". ")[0] for file in RECORDS}
    assert titles == {file.name: f"# {int(file.name[:4])}" for file in RECORDS}


def test_what_is_cited_is_there() -> None:
    """By the text of the project, its docs and its settings."""
    texts = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    known = {int(file.name[:4]) for file in RECORDS}
    cited = {int(n) for text in texts for n in CITED.findall(text.read_text())}
    assert len(cited) > 10
    assert cited - known == set()
