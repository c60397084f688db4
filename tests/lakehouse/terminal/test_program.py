"""How a program ends: all was said, what was registered was done, and the code is right."""

import subprocess
import sys

import pytest

ENDING = """
import atexit, click, sys, threading, time
from lakehouse.errors import TableError
from lakehouse.terminal.program import run

@click.command()
@click.argument("how")
def program(how):
    atexit.register(print, "registered")
    threading.Thread(target=time.sleep, args=(600,)).start()
    print("said")
    if how == "refused":
        raise PermissionError(13, "Permission denied", "/there")
    if how == "crowded":
        raise RuntimeError("Generic error: Too many open files (os error 24)")
    if how == "fault":
        raise TableError("no table", "make one")
    sys.exit({"ok": 0, "three": 3, "words": "so it is"}[how])

run(program, "program")
"""


@pytest.mark.parametrize(
    ("how", "code", "error"),
    [
        ("ok", 0, ""),
        ("three", 3, ""),
        ("words", 1, "so it is\n"),
        ("fault", 4, "error: no table\n"),
        ("crowded", 2, "error: Too many open files: "),
        ("refused", 2, "error: Permission denied: '/there'\n"),
    ],
)
def test_a_program_ends_with_its_code_whatever_still_runs(how: str, code: int, error: str) -> None:
    """Another thread does not hold it, nor change its code; output and exit functions are kept."""
    said = subprocess.run([sys.executable, "-c", ENDING, how], capture_output=True, text=True)
    assert (said.returncode, said.stdout) == (code, "said\nregistered\n")
    assert said.stderr.startswith(error)
