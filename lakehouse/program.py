"""How each program begins and ends: a command of words, and an exit code that can be trusted."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click

from lakehouse.errors import LogpondError


def run(command: click.Command, name: str, words: Sequence[str] | None = None) -> NoReturn:
    """Run a command to its end; what a person can mend is words and a code, not a stack trace."""
    try:
        command.main(words, prog_name=name)
    except LogpondError as error:
        if os.environ.get("LOGPOND_DEBUG"):
            raise
        click.echo(f"error: {error}", err=True)
        leave(error.exit_code)
    except SystemExit as leaving:
        leave(leaving.code)
    leave(0)


def leave(code: str | int | None) -> NoReturn:
    """End now, with all that was said and all that was registered for the end.

    Python's own end stops the threads of libraries where they next ask for the interpreter; one
    in C++ (pyarrow's readers) then aborts the process, after the work and instead of its code.
    """
    if isinstance(code, str):
        click.echo(code, err=True)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
