"""Making files: several at once, each whole or not at all, and only those that are missing."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from lakehouse.errors import SettingsError

Write = Callable[[Path], None]
ORDER = "order.json"


def prepare(folder: Path, order: Mapping[str, Any], force: bool = False) -> None:
    """Note in the folder what its files are made of.

    Raises SettingsError where files of another order are there already, unless forced.
    """
    note, text = folder / ORDER, json.dumps(order, indent=2) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    if note.exists() and not force and json.loads(note.read_text()) != json.loads(text):
        raise SettingsError(
            f"{folder} holds files that were made with other flags: see {note}",
            "give the same flags, another --output-dir, or --force to make them all again",
        )
    note.write_text(text)


def whole(path: Path, write: Write) -> None:
    """Write a file beside its name, and rename it when it is all there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        write(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def missing(files: Mapping[Path, Write], force: bool = False) -> dict[Path, Write]:
    """Those that are not there yet; all of them, if forced."""
    return {path: write for path, write in files.items() if force or not path.exists()}


def make(files: Mapping[Path, Write], threads: int) -> Iterator[Path]:
    """Each file as it is done, in whatever order that is."""
    with ThreadPoolExecutor(threads) as pool:
        running = {pool.submit(whole, path, write): path for path, write in files.items()}
        try:
            for done in as_completed(running):
                done.result()
                yield running[done]
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def make_and_report(
    wanted: Mapping[Path, Write], absent: Mapping[Path, Write], threads: int, folder: Path
) -> None:
    """Make what is absent of what is wanted, with progress, and tell what was done."""
    import click

    with click.progressbar(make(absent, threads), len(absent), file=sys.stderr) as done:
        made = sum(path.stat().st_size for path in done)
    kept = len(wanted) - len(absent)
    left = f"; {kept:,} were there already and were left" if kept else ""
    click.echo(f"{len(absent):,} files made in {folder}, {made / 1e6:,.1f} MB{left}")
