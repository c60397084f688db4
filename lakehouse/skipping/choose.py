"""Which files of a version may hold what a question wants: the one place that asks the skip index.

A file that no readable entry is about may hold it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from lakehouse.duck.view import Pinned
from lakehouse.paths import Places, is_url
from lakehouse.query.search.fields import SEARCHED
from lakehouse.skipping import segment
from lakehouse.skipping.entry import DIGITS, WORDS
from lakehouse.skipping.kept import LOST, Kept, Kinds, day_of
from lakehouse.skipping.segment import File, Head
from lakehouse.skipping.wanted import Wanted
from lakehouse.tables.catalog import LOGS

LOG = logging.getLogger(__name__)
# So few are read faster than the index.
FEW_FILES, AT_ONCE = 2, 16
Sizes = dict[str, int]


def files(places: Places, logs: Pinned, wanted: Wanted | None) -> Pinned:
    """Returns the files of `logs` that may hold what is wanted; all of them where it is None."""
    if wanted is None or logs.adds.num_rows <= FEW_FILES:
        return logs
    paths, sizes = (logs.adds[name].to_pylist() for name in ("path", "size_bytes"))
    without = _without(places, dict(zip(paths, sizes, strict=True)), wanted)
    if not without:
        return logs
    return logs.only(pa.array([path not in without for path in paths]))


def _without(places: Places, sizes: Sizes, wanted: Wanted) -> set[str]:
    """Returns the paths of files that cannot hold it."""
    kept, days = Kept(places, LOGS.name), {day_of(path) for path in sizes}
    try:
        names = [name for name in kept.names() if name.partition("/")[0] in days]
    except LOST as error:
        LOG.warning("the skip index cannot be listed, so all files are read: %s", error)
        return set()

    def of_one(name: str) -> set[str]:
        return set(_of_segment(kept, name, sizes, wanted))

    if is_url(places.lake):
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return set().union(*threads.map(of_one, names))
    return set().union(*map(of_one, names))


def _of_segment(kept: Kept, name: str, sizes: Sizes, wanted: Wanted) -> Iterable[str]:
    try:
        head = kept.head(name)
        found = [file for file in head.files if sizes.get(file.path) == file.size]
        blocks = kept.blocks(name, wanted.kinds() if found else ())
    except FileNotFoundError:
        return ()  # merged meanwhile: its files are read
    except LOST as error:
        LOG.warning("the skip index has a damaged part %s, whose files are read: %s", name, error)
        return ()
    return _cannot_hold(found, head, blocks, wanted)


def _cannot_hold(found: list[File], head: Head, blocks: Kinds, wanted: Wanted) -> Iterator[str]:
    # texts of a column that came later are not in the filters
    unknown = set() if {*SEARCHED} <= {*head.searched} else {WORDS, DIGITS}
    for file in found:

        def filter_of(kind: str, file: File = file) -> memoryview | None:
            if kind in unknown or kind not in file.filters:
                return None
            return segment.part(blocks[kind], file, kind)

        if not wanted.may_be_in(filter_of):
            yield file.path
