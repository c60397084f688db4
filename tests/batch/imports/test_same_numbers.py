"""`discover` and `import` read by the same code: over all real files they count the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.reading_files import of_lines

from batch.formats.datasets import datasets
from batch.formats.profile import profile
from batch.imports.reading import Overrides, reading
from lakehouse.errors import SettingsError
from lakehouse.event.textfile import lines

FOLDERS = ("cases/files", "hostile", "json", "nab/realTraffic", "sources", "web")
SAID = Overrides(constants={"service": "svc"}, zone="UTC")


@pytest.mark.slow
@pytest.mark.parametrize("folder", FOLDERS)
def test_both_count_the_same(shared_data: Path, folder: str) -> None:
    """Rows and broken ones of each file; what one refuses the other refuses in the same words."""
    for file in sorted(p for p in (shared_data / folder).iterdir() if p.is_file()):
        found, refused = datasets([file])
        if refused:
            assert found == []
            continue
        (dataset,) = found
        try:
            seen = profile(dataset)
        except SettingsError:
            continue
        events, rejects = of_lines(
            [*lines(file, keeps_cr=True)], reading(file, dataset.usual, SAID)
        )
        broken = [one for one in rejects if one["reason"] == "bad_format"]
        assert (seen.rows, seen.broken) == (
            len(events) + len(rejects) - len(broken),
            len(broken),
        ), file
