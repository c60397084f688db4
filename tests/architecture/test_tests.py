"""What holds for the tests themselves."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from support.code import FILES, ROOT, TESTS, Function, functions, name

# These mirror no folder of code: they test several rooms together, or hold no tests.
NO_MIRROR = {"architecture", "compose", "faults", "golden", "integration", "pipeline", "support"}
# Folders of code without tests of their own yet, and who tests them: this may only grow shorter.
TESTED_ELSEWHERE = {
    "anomaly/commands": "tests/anomaly/lake/test_job.py",
    "cli/checks": "tests/cli/commands/test_doctor.py",
    "batch/commands": "tests/batch/jobs/aggregate/test_command.py",
    "lakehouse/duck": "tests/lakehouse/query/test_engines.py",
}


def all_tests() -> Iterator[tuple[Path, Function]]:
    """Every test function, and its file."""
    return ((f, d) for f in TESTS for d in functions(f) if d.name.startswith("test_"))


def asserts(test: Function) -> bool:
    """Whether a test can fail by its own words: `assert`, `raises`, or a helper named for it."""
    called = [ast.unparse(n.func).split(".")[-1] for n in ast.walk(test) if isinstance(n, ast.Call)]
    helps = [c for c in called if c in {"raises", "fail"} or c.startswith(("assert", "expect"))]
    return bool(helps) or any(isinstance(n, ast.Assert) for n in ast.walk(test))


def test_every_test_states_its_promise() -> None:
    """In its docstring."""
    assert [f"{name(f)}:{d.name}" for f, d in all_tests() if not ast.get_docstring(d)] == []


def test_every_test_asserts_something() -> None:
    """A test that only runs code proves that nothing was raised, and says not even that."""
    assert [f"{name(f)}:{d.name}" for f, d in all_tests() if not asserts(d)] == []


def test_every_test_is_collected() -> None:
    """It is in a file whose name begins with `test_`."""
    assert {name(f) for f, _ in all_tests() if not f.name.startswith("test_")} == set()


def test_tests_lie_where_their_code_lies() -> None:
    """`tests/ROOM/FOLDER` tests the folder of code of this name."""
    folders = {f.parent.relative_to(ROOT / "tests") for f in TESTS if f.parent.name != "tests"}
    mirrors = {folder for folder in folders if folder.parts[0] not in NO_MIRROR}
    assert {folder for folder in mirrors if not (ROOT / folder).is_dir()} == set()


def test_every_folder_of_code_has_its_tests() -> None:
    """To the second level; `TESTED_ELSEWHERE` says of the others where their tests are."""
    rooms = {"/".join(f.relative_to(ROOT).parts[:2]) for f in FILES if f.parent.parent != ROOT}
    untested = {r for r in rooms if not [*(ROOT / "tests" / r).rglob("test_*.py")]}
    assert {
        room for room in untested if not (ROOT / TESTED_ELSEWHERE.get(room, room)).is_file()
    } == set()
