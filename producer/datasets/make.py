"""Makes files, several at once: each whole or not at all, and only missing ones."""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakehouse.errors import SettingsError
from lakehouse.terminal.render import echo

# Writes a file under a name. Returns its rows.
Write = Callable[[Path], int]
ORDER = "order.json"


def prepare(folder: Path, order: Mapping[str, Any], force: bool = False) -> None:
    """Notes in the folder what its files are made of.

    Raises SettingsError where files with other options are there already, unless forced.
    """
    note, text = folder / ORDER, json.dumps(order, indent=2) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    if note.exists() and not force and json.loads(note.read_text()) != json.loads(text):
        raise SettingsError(
            f"{folder} holds files that were made with other flags: see {note}",
            "give the same flags, another --output-dir, or --force to make them all again",
        )
    note.write_text(text)


@dataclass(frozen=True)
class Made:
    """A file that exists now, with its number of rows."""

    path: Path
    rows: int


def whole(path: Path, write: Write) -> Made:
    """Writes a file under a temporary name, and renames it when it is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        made = Made(path, write(part))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return made


def missing(files: Mapping[Path, Write], force: bool = False) -> dict[Path, Write]:
    """Returns the files that do not exist yet; all of them, if forced."""
    return {path: write for path, write in files.items() if force or not path.exists()}


def make(files: Mapping[Path, Write], threads: int) -> Iterator[Made]:
    """Yields each file as it is done, in any order."""
    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(whole, path, write) for path, write in files.items()]
        try:
            yield from (done.result() for done in as_completed(running))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def make_and_report(
    wanted: Mapping[Path, Write], absent: Mapping[Path, Write], threads: int, folder: Path
) -> None:
    """Makes the absent ones of the wanted files, shows progress, and prints the time it took."""
    import click

    began = time.perf_counter()
    with click.progressbar(make(absent, threads), len(absent), file=sys.stderr) as done:
        made = list(done)
    seconds, rows = time.perf_counter() - began, sum(one.rows for one in made)
    size = sum(one.path.stat().st_size for one in made)
    kept = len(wanted) - len(absent)
    left = f"; {kept:,} were there already and were left" if kept else ""
    echo(f"{len(made):,} files made in {folder}, {size / 1e6:,.1f} MB{left}")
    if made:
        echo(f"{rows:,} rows in {seconds:,.2f} s, {rows / seconds:,.0f} rows/s")
