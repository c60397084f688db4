"""Who may import whom, and what only one place may do."""

from __future__ import annotations

import re

import pytest
from support.code import (
    FILES,
    MODULES,
    PROGRAMS,
    ROOMS,
    ROOT,
    arrows,
    circles,
    imported,
    name,
    names_used,
    room,
    text,
)

MAY_IMPORT = {
    "lakehouse": (),
    **dict.fromkeys(PROGRAMS, ("lakehouse",)),
    **dict.fromkeys(("cli", "logpond"), ROOMS),
}
SPARK_IN_LAKEHOUSE = {
    "lakehouse/runtime/session.py",
    "lakehouse/event/schema.py",
    "lakehouse/store/spark.py",
    "lakehouse/runtime/jars.py",
    "lakehouse/windows/stream.py",
    "lakehouse/query/spark.py",
}
WRITES_DELTA = {
    "write_deltalake",
    "create_write_transaction",
    "convert_to_deltalake",
    "optimize",
    "vacuum",
    "z_order",
    "merge",
    "restore",
    "cleanup_metadata",
    "compact_logs",
    "create_checkpoint",
    "add_columns",
    "createIfNotExists",
    "saveAsTable",
    "createOrReplace",
}
# Known circles, which must go: this may only grow shorter.
CIRCLES = []


@pytest.mark.parametrize("program", ROOMS)
def test_imports_follow_the_arrows(program: str) -> None:
    """Programs import the kernel and never each other; the kernel nothing of ours; cli all."""
    allowed = {program, *MAY_IMPORT[program]}
    ours = {*ROOMS, "tests", "support", "benchmarks"}
    strays = {
        name(f): found
        for f in FILES
        if name(f).startswith(f"{program}/")
        if (found := ({room(m) for m in imported(f)} & ours) - allowed)
    }
    assert strays == {}


def test_no_files_import_each_other_in_a_circle() -> None:
    """Imports within functions count too; only those for type checkers do not."""
    found = circles({m: arrows(f) for m, f in MODULES.items()})
    assert [circle for circle in found if circle not in CIRCLES] == []


def test_circles_are_found() -> None:
    """The search itself: `a` and `b` reach each other, `c` only leads there."""
    graph = {"a": {"b"}, "b": {"a"}, "c": {"a"}}
    assert circles({m: frozenset(ends) for m, ends in graph.items()}) == [["a", "b"]]


def test_producer_never_imports_spark() -> None:
    """It runs where there is no JVM."""
    files = [file for file in FILES if name(file).startswith("producer/")]
    assert files
    assert [name(f) for f in files if "pyspark" in {room(m) for m in imported(f)}] == []


def test_spark_is_at_its_places_only() -> None:
    """In the kernel, who reads `decode` or `verify` needs no Spark."""
    kernel = [f for f in FILES if name(f).startswith("lakehouse/")]
    using = {
        name(f)
        for f in kernel
        if {"pyspark", "delta"} & {room(m) for m in imported(f, running=True)}
    }
    assert using <= SPARK_IN_LAKEHOUSE


def test_one_builder_of_sessions() -> None:
    """Every SparkSession and SparkContext is made in one module."""
    made = re.compile(r"SparkSession\.builder|SparkContext\(|\.getOrCreate\(")
    assert [name(f) for f in FILES if made.search(text(f))] == ["lakehouse/runtime/session.py"]


def test_only_the_store_writes_delta() -> None:
    """Whatever changes a Delta table is called in lakehouse/store, or in maintenance through it."""
    writing = {
        name(f): sorted(names_used(f) & WRITES_DELTA)
        for f in FILES
        if not name(f).startswith(("lakehouse/store/", "lakehouse/maintenance"))
        and {"deltalake", "delta", "pyspark"} & {room(m) for m in imported(f)}
        and names_used(f) & WRITES_DELTA
    }
    assert writing == {}


def test_settings_are_loaded_at_one_place() -> None:
    """By the option that hands them to a command, and by the API; all others are given values."""
    loading = {
        name(f)
        for f in FILES
        if re.search(r"\bsettings\w*\.load\(|import load\b", text(f))
        and "settings" in " ".join(imported(f))
    }
    assert loading == {"lakehouse/terminal/options.py", "logpond/lake.py"}


def test_tests_do_not_import_tests() -> None:
    """What tests share is in tests/support."""
    importing = {
        name(f): found
        for f in (ROOT / "tests").rglob("*.py")
        if (found := {m for m in imported(f) if re.search(r"(^|\.)(tests|test_\w+)(\.|$)", m)})
    }
    assert importing == {}
