"""Which rows were there at a version, as SQL that DuckDB and Spark read alike. Pure."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.duck.types import literal


def condition(entries: pa.Table, version: int) -> str | None:
    """Returns SQL for the rows of commits up to a version, among the rows of these entries.

    The batches of a writer rise with its commits, so one number says how far it had come; commits
    that are alone are named. None where one commit is on both sides, or says not which rows it had.
    """
    brought = entries.filter(pc.not_equal(pc.fill_null(entries["rows"], 1), 0))
    is_then = pc.less_equal(brought["version"], version)
    then, later = _batches(brought.filter(is_then)), _batches(brought.filter(pc.invert(is_then)))
    if "" in then or any(_overlaps(batches, later.get(of)) for of, batches in then.items()):
        return None
    alone = [
        _commit(of, batch)
        for of, batches in then.items()
        for batch in batches
        if batch is None or len(_numbers(batches)) == 1
    ]
    parts = [f"_commit IN ({', '.join(map(literal, alone))})"] if alone else []
    parts += [_up_to(of, batches) for of, batches in then.items() if len(_numbers(batches)) > 1]
    return f"({' OR '.join(parts)})" if parts else "false"


def _batches(entries: pa.Table) -> dict[str, list[int | None]]:
    """Returns the batches by writer, each once."""
    found = entries.select(["writer", "batch"]).group_by(["writer", "batch"]).aggregate([])
    by_writer: dict[str, list[int | None]] = {}
    for writer, batch in zip(found["writer"].to_pylist(), found["batch"].to_pylist(), strict=True):
        by_writer.setdefault(writer, []).append(batch)
    return by_writer


def _overlaps(then: list[int | None], later: list[int | None] | None) -> bool:
    if later is None:
        return False
    if len(_numbers(then)) <= 1 or (None in then and None in later):
        return bool({*then} & {*later})
    numbers = [batch for batch in later if batch is not None]
    return bool(numbers) and max(_numbers(then), default=-1) >= min(numbers)


def _numbers(batches: list[int | None]) -> list[int]:
    return [batch for batch in batches if batch is not None]


def _up_to(writer: str, batches: list[int | None]) -> str:
    """Returns SQL for all commits of a writer up to its last one."""
    begun, last = f"{writer}:", max(_numbers(batches))
    is_its = f"left(_commit, {len(begun)}) = {literal(begun)}"
    return f"({is_its} AND try_cast(substr(_commit, {len(begun) + 1}) AS BIGINT) <= {last})"


def _commit(writer: str, batch: int | None) -> str:
    return writer if batch is None else f"{writer}:{batch}"
