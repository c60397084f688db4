"""The rules of the house, each as a test over the files themselves."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = ("producer", "streaming", "batch", "anomaly", "analytics")
ROOMS = ("lakehouse", *PROGRAMS, "cli")
MAY_IMPORT = {"lakehouse": (), **dict.fromkeys(PROGRAMS, ("lakehouse",)), "cli": ROOMS}
SPARK_IN_LAKEHOUSE = {
    "lakehouse/runtime/session.py",
    "lakehouse/event/schema.py",
    "lakehouse/store/spark.py",
    "lakehouse/runtime/jar_fetch.py",
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
FILES = sorted(f for room in ROOMS for f in (ROOT / room).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def name(file: Path) -> str:
    """A file's name from the root of the project."""
    return file.relative_to(ROOT).as_posix()


@cache
def tree(file: Path) -> ast.Module:
    """What a file says."""
    return ast.parse(file.read_text(), name(file))


def imported(file: Path, skip_typing: bool = False) -> set[str]:
    """Every module that a file imports, wherever in it."""
    found = set()
    hidden = set(typing_only(file)) if skip_typing else set()
    for node in ast.walk(tree(file)):
        if node in hidden:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(file)}: relative import"
            found |= {str(node.module), *(f"{node.module}.{a.name}" for a in node.names)}
    return found


def typing_only(file: Path) -> Iterator[ast.AST]:
    """What stands under `if TYPE_CHECKING`."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            yield from ast.walk(node)


def room(module: str) -> str:
    """The first part of a module's name."""
    return module.split(".")[0]


def functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file."""
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of_code(file: Path, node: ast.AST | None = None) -> int:
    """Lines of a file, or of a node in it, that are no docstring, no comment and not empty."""
    of = node or tree(file)
    first, last = getattr(of, "lineno", 1), getattr(of, "end_lineno", None)
    counted = set(range(first, (last or len(file.read_text().splitlines())) + 1))
    for inner in ast.walk(of):
        if isinstance(inner, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            inner
        ):
            said = inner.body[0]
            counted -= set(range(said.lineno, (said.end_lineno or said.lineno) + 1))
    text = dict(enumerate(file.read_text().splitlines(), 1))
    return sum(1 for n in counted if text[n].strip() and not text[n].strip().startswith("#"))


def calls(file: Path) -> set[str]:
    """The last name of everything that a file calls or takes an attribute of."""
    attributes = {n.attr for n in ast.walk(tree(file)) if isinstance(n, ast.Attribute)}
    return attributes | {n.id for n in ast.walk(tree(file)) if isinstance(n, ast.Name)}


def astray(file: Path) -> set[str]:
    """The rooms of ours that a file imports, and may not."""
    own = file.relative_to(ROOT).parts[0]
    ours = {room(module) for module in imported(file)} & {*ROOMS, "tests", "benchmarks"}
    return ours - {own, *MAY_IMPORT[own]}


def test_imports_follow_the_arrows() -> None:
    """Programs import the kernel and never each other; the kernel nothing of ours; cli all."""
    assert {name(file): found for file in FILES if (found := astray(file))} == {}


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
        if {"pyspark", "delta"} & {room(m) for m in imported(f, skip_typing=True)}
    }
    assert using <= SPARK_IN_LAKEHOUSE


def test_one_builder_of_sessions() -> None:
    """Every SparkSession and SparkContext is made in one module."""
    made = re.compile(r"SparkSession\.builder|SparkContext\(|\.getOrCreate\(")
    assert [name(f) for f in FILES if made.search(f.read_text())] == [
        "lakehouse/runtime/session.py"
    ]


def test_only_the_store_writes_delta() -> None:
    """Whatever changes a Delta table is called in lakehouse/store, or in maintenance through it."""
    writing = {
        name(f): sorted(calls(f) & WRITES_DELTA)
        for f in FILES
        if not name(f).startswith(("lakehouse/store/", "lakehouse/maintenance"))
        and {"deltalake", "delta", "pyspark"} & {room(m) for m in imported(f)}
        and calls(f) & WRITES_DELTA
    }
    assert writing == {}


def test_only_front_doors_load_settings() -> None:
    """Below `__main__`, `commands` and cli, values are passed."""
    loading = {
        name(f)
        for f in FILES
        if re.search(r"\bsettings\w*\.load\(|import load\b", f.read_text())
        and "settings" in " ".join(imported(f))
    }
    allowed = {f for f in loading if f.startswith("cli/")}
    assert {f for f in loading - allowed if "/commands/" not in f and "__main__" not in f} == set()


PURE = (
    "lakehouse/event/fields.py",
    "lakehouse/event/access_log.py",
    "lakehouse/event/routes.py",
    "lakehouse/event/user_agents.py",
    "lakehouse/decode/*.py",
    "lakehouse/tables/rollups.py",
    "producer/traffic/traffic.py",
    "producer/traffic/scenarios.py",
    "anomaly/engine/detectors/*.py",
    "anomaly/addresses/*.py",
    "anomaly/series/committee.py",
    "anomaly/series/profile.py",
    "anomaly/series/statistic.py",
    "anomaly/series/streams.py",
    "anomaly/engine/minute.py",
    "anomaly/engine/histogram.py",
    "anomaly/engine/surprise.py",
    "anomaly/engine/engine.py",
    "anomaly/engine/tracker.py",
    "anomaly/engine/incident.py",
    "anomaly/engine/seasonality.py",
    "anomaly/engine/keys.py",
    "anomaly/engine/state.py",
    "anomaly/engine/config.py",
    "anomaly/evaluate/nab.py",
    "anomaly/evaluate/rates.py",
    "anomaly/review/series_of_key.py",
    "anomaly/engine/zscore_words.py",
    "anomaly/review/backtest.py",
    "anomaly/alerts/alert.py",
    "anomaly/evaluate/inject.py",
    "anomaly/evaluate/outcome.py",
    "anomaly/evaluate/benchmark.py",
)
IMPURE = {
    "os",
    "time",
    "socket",
    "subprocess",
    "deltalake",
    "pyspark",
    "duckdb",
    "obstore",
    "confluent_kafka",
    "lakehouse.settings",
    "lakehouse.store",
    "lakehouse.runtime.session",
}


@pytest.mark.parametrize("file", [f for p in PURE for f in ROOT.glob(p)], ids=name)
def test_pure_modules_see_nothing(file: Path) -> None:
    """No session, store, settings, clock or environment."""
    modules = imported(file)
    assert not {m for m in modules if m in IMPURE or room(m) in IMPURE}
    assert not re.search(r"\.now\(|\.today\(|\bopen\(", file.read_text())


def test_a_file_is_short() -> None:
    """At most 300 lines of code, none over 100 columns."""
    wide = [name(f) for f in FILES if any(len(line) > 100 for line in f.read_text().splitlines())]
    assert ([name(f) for f in FILES if lines_of_code(f) > 300], wide) == ([], [])


def test_functions_are_short() -> None:
    """Half have at most 7 lines, nine in ten at most 18, none over 40."""
    sizes = {f"{name(f)}:{d.name}": lines_of_code(f, d) for f in FILES for d in functions(f)}
    in_order = sorted(sizes.values())

    assert {where: size for where, size in sizes.items() if size > 40} == {}
    assert statistics.median(in_order) <= 7
    assert in_order[int(len(in_order) * 0.9)] <= 18


def test_what_others_use_is_explained() -> None:
    """Every module, public class and public function has a docstring."""
    silent = [
        f"{name(f)}:{node.name}"
        for f in FILES
        for node in public(tree(f))
        if not ast.get_docstring(node)
    ]
    assert ([name(f) for f in FILES if not ast.get_docstring(tree(f))], silent) == ([], [])


def public(of: ast.AST) -> Iterator[ast.FunctionDef | ast.ClassDef]:
    """Public classes and functions, those in public classes too."""
    for node in ast.iter_child_nodes(of):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


def test_nothing_is_left_to_do() -> None:
    """An issue is the place for what is to be done."""
    marks = re.compile(r"#.*\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3)) + r")\b")
    assert [name(f) for f in [*FILES, *TESTS] if marks.search(f.read_text())] == []


def test_every_test_states_its_promise() -> None:
    """In its docstring."""
    silent = [
        f"{name(f)}:{d.name}"
        for f in TESTS
        for d in functions(f)
        if d.name.startswith("test_") and not ast.get_docstring(d)
    ]
    assert silent == []


def shown() -> list[str]:
    """The lines of the README's blocks of code."""
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]


def told() -> list[str]:
    """The README's code: its blocks, and what stands `so` within a line."""
    return [*shown(), *re.findall(r"`([^`\n]+)`", (ROOT / "README.md").read_text())]


def test_every_documented_command_exists_and_has_help() -> None:
    """What the README names can be called: `logpond X --help` answers."""
    commands = {c for line in told() for c in re.findall(r"\blogpond ([a-z][a-z-]+)", line)}

    assert commands
    for command in sorted(commands):
        said = subprocess.run(
            [sys.executable, "-m", "cli", command, "--help"],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        assert said.returncode == 0, said.stderr
        assert "Usage:" in said.stdout


def test_every_documented_target_exists_and_has_help() -> None:
    """What the README makes can be made, and `make help` lists it."""
    wanted = {t for line in shown() for t in re.findall(r"^make ([a-z][a-z-]*)", line)}
    listed = set(re.findall(r"^([a-z-]+):.*?## ", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert wanted
    assert wanted <= listed
