"""`python -m analytics.web.ingest.readme README.md`: makes its sections of collectors anew."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from analytics.web.ingest.collectors import COLLECTORS, Address, Collector, Target

BEGIN, END = "<!-- collectors: made by `make docs` -->\n", "<!-- /collectors -->\n"
SHOWN = Target(Address("127.0.0.1", 4318), "cart", "127.0.0.1:9092", "gateway-logs")


def completed(readme: str) -> str:
    """Returns a README with a section for each collector between its two marks."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    sections = "\n".join(map(_section, COLLECTORS.values()))
    return f"{before}{BEGIN}\n{sections}\n{END}{after}"


def _section(of: Collector) -> str:
    """Returns what is shown of a collector once it is opened."""
    head = f"<details><summary><b>{of.title}</b></summary>\n\n{of.note}\n"
    return "\n".join([head, *_blocks(of), "</details>\n"])


def _blocks(of: Collector) -> Iterator[str]:
    for snippet in of.snippets:
        yield f"{snippet.into}\n\n```{snippet.language}\n{snippet.text(SHOWN)}\n```\n"


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(completed(file.read_text()))
