"""Small objects by name, in a folder or a bucket alike: the only module that knows obstore."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import LocalStore, MemoryStore, from_url

from lakehouse.paths import is_url
from lakehouse.store.disk import in_words

# obstore and deltalake write beside the name, then rename; a listing leaves these out.
STAGED = re.compile(r"#\d+$")


def store(root: str) -> Any:
    """The object store of a folder (made when missing) or URL."""
    folder = _folder(root)
    with in_words(root):
        return from_url(root) if folder is None else LocalStore(folder, mkdir=True)


def reader(root: str) -> Any:
    """The same to read from: a folder that is not there is empty, and is not made."""
    folder = _folder(root)
    return store(root) if folder is None or folder.is_dir() else MemoryStore()


def _folder(root: str) -> Path | None:
    """The folder of a place on this machine, also where it is written as a URL."""
    if root.startswith("file://"):
        return Path(unquote(urlsplit(root).path))
    return None if is_url(root) else Path(root)


def put(at: Any, name: str, content: bytes) -> None:
    """Write or replace an object in one atomic step."""
    with in_words(_place(at)):
        obstore.put(at, name, content)


def put_file(at: Any, name: str, file: IO[bytes]) -> None:
    """Write or replace an object with the bytes of a file, in parts, in one atomic step."""
    with in_words(_place(at)):
        obstore.put(at, name, file)


def create(at: Any, name: str, content: bytes) -> bool:
    """Write an object in one atomic step unless it exists; whether it was written."""
    try:
        with in_words(_place(at)):
            obstore.put(at, name, content, mode="create")
    except AlreadyExistsError:
        return False
    return True


def get(at: Any, name: str) -> bytes | None:
    """The content of an object, None where there is none."""
    try:
        return bytes(obstore.get(at, name).bytes())
    except FileNotFoundError:
        return None


def size(at: Any, name: str) -> int | None:
    """The size of an object in bytes, None where there is none."""
    try:
        return int(obstore.head(at, name)["size"])
    except FileNotFoundError:
        return None


def modified(at: Any, name: str) -> datetime | None:
    """When an object was last written, None where there is none."""
    try:
        when: datetime = obstore.head(at, name)["last_modified"]
    except FileNotFoundError:
        return None
    return when


def written(at: Any) -> Iterator[datetime]:
    """When each object below was last written."""
    return (item["last_modified"] for page in obstore.list(at) for item in page)


def names(at: Any, folder: str) -> list[str]:
    """The names of the objects directly in a folder, without the folder."""
    if isinstance(at, LocalStore):  # twenty times as fast as its own listing
        return _files(Path(str(at.prefix)) / folder)
    found = obstore.list_with_delimiter(at, folder)["objects"]
    return [str(item["path"]).removeprefix(f"{folder}/") for item in found]


def _files(folder: Path) -> list[str]:
    """The names of whole files directly in a folder; none where it is not there."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as found:
        return [f.name for f in found if f.is_file() and not STAGED.search(f.name)]
    return []


def folders(at: Any) -> list[str]:
    """The names of the folders directly in a store."""
    return [str(path).rstrip("/") for path in obstore.list_with_delimiter(at)["common_prefixes"]]


def delete(at: Any, name: str) -> None:
    """Remove an object; one that is not there is no fault."""
    try:
        obstore.delete(at, name)
    except FileNotFoundError:
        return


def delete_all(at: Any, names: Sequence[str]) -> None:
    """Remove objects in this order; those that are not there are no fault."""
    for name in names:
        delete(at, name)


def remove(root: str) -> None:
    """Delete all that lies below a place; a place that is not there is no fault."""
    if is_url(root):
        at = store(root)
        for page in obstore.list(at):
            obstore.delete(at, [str(item["path"]) for item in page])
    elif Path(root).is_dir():
        _remove_folder(Path(root))
    else:
        Path(root).unlink(missing_ok=True)


def _remove_folder(folder: Path) -> None:
    """Remove a folder; of a link to one, what is in it: the link was made on purpose."""
    if not folder.is_symlink():
        shutil.rmtree(folder)
        return
    for inner in folder.iterdir():
        remove(str(inner))


def left_behind(root: str, before: datetime) -> list[Path]:
    """What processes that were killed left of objects that they wrote; no listing shows it."""
    if is_url(root):
        return []
    staged = [file for file in Path(root).rglob("*#*") if STAGED.search(file.name)]
    return [file for file in staged if _is_older(file, before)]


def _is_older(file: Path, moment: datetime) -> bool:
    """One that is gone meanwhile is written to its end."""
    with suppress(FileNotFoundError):
        return file.stat().st_mtime < moment.timestamp()
    return False


def move_aside(root: str, suffix: str) -> str | None:
    """Rename a folder to `root + suffix`, or copy a prefix there; the new place, None if empty."""
    if not is_url(root):
        return str(Path(root).rename(root + suffix)) if Path(root).exists() else None
    old, new = store(root), store(root + suffix)
    found = [str(item["path"]) for item in obstore.list(old).collect()]
    for name in found:
        put(new, name, get(old, name) or b"")
    obstore.delete(old, found)
    return root + suffix if found else None


def _place(at: Any) -> str:
    """Where a store is, to be named to a person."""
    return str(at.prefix) if isinstance(at, LocalStore) else "memory://"
