"""How each program begins and ends: a command of words, and an exit code that can be trusted."""

from __future__ import annotations

import atexit
import errno
import os
import resource
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click

from lakehouse import no_pandas
from lakehouse.errors import LogpondError, SettingsError, TableError
from lakehouse.runtime import environment
from lakehouse.terminal.render import echo

REFUSALS = (errno.EACCES, errno.EPERM, errno.EROFS)
# Modules of the errors of libraries that read a lake's files.
ENGINES = ("_internal", "deltalake", "_duckdb", "duckdb", "pyarrow")
LONGEST_TEXT = 400


def run(command: click.Command, name: str, words: Sequence[str] | None = None) -> NoReturn:
    """Run a command to its end; what a person can mend is words and a code, not a stack trace."""
    environment.leave_other_installations()
    environment.open_more_files()
    no_pandas.hide()
    try:
        command.main(words, prog_name=name)
    except Exception as error:
        fault = _too_many_files(error) or _known(error)
        if fault is None or os.environ.get("LOGPOND_DEBUG"):
            raise
        echo(f"error: {fault}", err=True)
        leave(fault.exit_code)
    except SystemExit as leaving:
        leave(leaving.code)
    leave(0)


def _too_many_files(error: Exception) -> LogpondError | None:
    """Returns the error to show where the limit of open files was reached, by any library."""
    if os.strerror(errno.EMFILE) not in str(error):
        return None
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return SettingsError(
        f"{os.strerror(errno.EMFILE)}: {most} at a time (ulimit -n)", "raise it: ulimit -n 4096"
    )


def _known(error: Exception) -> LogpondError | None:
    """Returns our own error, or one for a place that this user may not read or write."""
    if isinstance(error, LogpondError):
        return error
    if isinstance(error, OSError) and error.errno in REFUSALS and error.filename:
        return SettingsError(
            f"{error.strerror}: {error.filename!r}",
            "name another place, or let this user read or write it",
        )
    return _of_storage(error) or _of_files(error)


def _of_storage(error: Exception) -> LogpondError | None:
    """Returns the error to show where a bucket did not answer, or refused."""
    if "obstore" not in sys.modules:
        return None
    from lakehouse.storage import reach

    return reach.fault(error)


def _of_files(error: Exception) -> LogpondError | None:
    """Returns the error to show where an engine could not read a file as what it should be."""
    text = " ".join(str(error).split())[:LONGEST_TEXT]
    if isinstance(error, OSError | UnicodeEncodeError):
        return SettingsError(text, "name another place, or put right what lies there")
    if type(error).__module__.split(".")[0] in ENGINES:
        return TableError(
            text,
            "`logpond recover tables` finds files that are not whole; LOGPOND_DEBUG=1 shows where "
            "it came from",
        )
    return None


def stopped_by_signals() -> threading.Event:
    """An event that Ctrl-C and SIGTERM set from now on, in place of ending the process."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def leave(code: str | int | None) -> NoReturn:
    """End now, with all that was said and all that was registered for the end.

    Python's own end stops the threads of libraries where they next ask for the interpreter; one
    in C++ (pyarrow's readers) then aborts the process, after the work and instead of its code.
    """
    if isinstance(code, str):
        echo(code, err=True)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
