"""Data files that are not as a commit wrote them: gone, cut off, or exchanged for others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from deltalake import DeltaTable

from lakehouse.errors import TableError
from lakehouse.paths import Places, is_url
from lakehouse.store.log import MENDS, PARQUET
from lakehouse.store.read import data_files


def not_whole(
    places: Places, name: str, at: DeltaTable, but: Collection[str] = ()
) -> Iterator[tuple[str, int | None]]:
    """Each such file of a table at its version, and how many rows its commit says it has.

    Files in `but` are known to be whole.

    What has the size that was written counts as whole: its content is Parquet's to check. None at
    a URL, where an object is there as a whole or not at all.
    """
    if is_url(places.lake):
        return
    adds, root = data_files(at), Path(places.table(name))
    columns = (adds[column].to_pylist() for column in ("path", "size_bytes", "num_records"))
    for path, size, rows in zip(*columns, strict=True):
        file = unquote(path)
        if file not in but and not _is_whole(root / file, size):
            yield file, rows


def refuse_altered(name: str, files: Sequence[str], taking_again: Callable[[], str]) -> None:
    """Raise TableError where a table has these files, which are not whole.

    What brings their rows again is only looked for then.
    """
    if files:
        raise TableError(
            f"table {name} is not as it was written: {len(files)} of its data files are gone or "
            f"changed, as {files[0]}",
            f"`{MENDS}` takes them out of the table; then what was in them comes again by "
            f"{taking_again()}",
        )


def _is_whole(file: Path, size: int) -> bool:
    if not file.is_file() or file.stat().st_size != size:
        return False
    with file.open("rb") as opened:
        opened.seek(-len(PARQUET), 2)
        return opened.read() == PARQUET
