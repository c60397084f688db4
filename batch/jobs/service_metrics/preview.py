"""What a run would read and write, without Spark and without a trace."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from batch.jobs.service_metrics.job import PARTS, Options
from batch.jobs.service_metrics.reading import LINES, UNREADABLE, rows_of
from batch.jobs.service_metrics.source import Files
from lakehouse.errors import SettingsError
from lakehouse.terminal.render import escaped


def preview(options: Options) -> dict[str, Any]:
    """The input, its first lines decoded, and the folders that would be replaced.

    Raises SettingsError where a file cannot be read.
    """
    source = options.source
    looked_at = _begun(source.files) if isinstance(source, Files) else {}
    return {
        "lines": source.lines(),
        "bytes": source.bytes(),
        **looked_at,
        "engine": options.engine,
        "would_replace": [str(options.output / part) for part in PARTS],
    }


def _begun(files: tuple[Path, ...]) -> dict[str, Any]:
    """The first lines of each file, decoded."""
    looked = rejected = 0
    first = ""
    for file in files:
        for batch in islice(rows_of(str(file)), 1):
            bad = [
                row
                for row in batch.select(["source", "line", "reason", "detail"]).to_pylist()
                if row["reason"]
            ]
            if bad and bad[0]["reason"] == UNREADABLE:
                raise SettingsError(bad[0]["detail"], "replace the file, or name files without it")
            looked, rejected = looked + batch.num_rows, rejected + len(bad)
            first = first or next(map(_render_reject, bad), "")
    return {
        "files": len(files),
        "lines_looked_at": looked,
        "rejects_among_them": rejected,
        "first_reject": first,
        "at_most_a_file": LINES,
    }


def _render_reject(reject: dict[str, Any]) -> str:
    return escaped("{source}:{line}: {reason}: {detail}".format(**reject))
