"""`python -m batch.jobs.watch_time ORDER`: phase 1 of one file, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from batch.jobs.watch_time.outputs import Input, Outputs
from lakehouse.errors import LogpondError
from lakehouse.store.disk import in_words


class Order(msgspec.Struct, frozen=True):
    """Which file, where to, by which table and rules."""

    path: str
    root: str
    output: str
    regions: str
    recipe: str


def main(text: str) -> int:
    """Clean the file; 1, and the reason on standard error, where that fails."""
    from batch.jobs.watch_time.clean import clean

    order = msgspec.json.decode(text, type=Order)
    outputs = Outputs(Path(order.output))
    try:
        with in_words(order.output):
            one = Input.of(Path(order.path), Path(order.root))
            clean(one, outputs, Path(order.regions), order.recipe)
    except (LogpondError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
