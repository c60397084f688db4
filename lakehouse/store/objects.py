"""Small objects by name, in a folder or in a bucket, by obstore."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import LocalStore, MemoryStore, from_url

from lakehouse.paths import is_url
from lakehouse.storage import connection, reach
from lakehouse.storage.lost_answers import repeated
from lakehouse.store.disk import in_words

# obstore and deltalake write beside the name, then rename; a listing leaves these out.
STAGED = re.compile(r"#\d+$")


def store(root: str) -> Any:
    """Returns the object store of a URL or a folder, which is made if missing."""
    local = folder(root)
    if local is None:
        reach.check(root)
    with in_words(root):
        return from_url(root) if local is None else LocalStore(local, mkdir=True)


def leases(root: str, seconds: float) -> Any:
    """Returns the store of a URL for objects that are of no use later than in some seconds.

    Raises StorageError where its bucket cannot be reached now.
    """
    reach.check(root)
    within = timedelta(seconds=seconds / 3)
    return from_url(
        root,
        client_options={
            "timeout": max(within, timedelta(seconds=1)),
            # options of a client take the place of those in the environment
            "allow_http": connection.allows_http(),
        },
        retry_config={"max_retries": 1, "retry_timeout": within},
    )


def reader(root: str) -> Any:
    """Returns a store to read from. A folder that is missing is not made, and counts as empty."""
    local = folder(root)
    return store(root) if local is None or local.is_dir() else MemoryStore()


def folder(root: str) -> Path | None:
    """Returns the folder of a place on this machine, also where the place is a file URL."""
    if root.startswith("file://"):
        return Path(unquote(urlsplit(root).path))
    return None if is_url(root) else Path(root)


def put(at: Any, name: str, content: bytes) -> None:
    """Writes or replaces an object in one atomic step."""
    with in_words(_place(at)):
        obstore.put(at, name, content)


def put_file(at: Any, name: str, file: IO[bytes]) -> None:
    """Writes or replaces an object with the bytes of a file, in parts, in one atomic step."""
    with in_words(_place(at)):
        obstore.put(at, name, file)


def rename(at: Any, old: str, new: str) -> None:
    """Give an object another name, in place of what has it, in one atomic step."""
    with in_words(_place(at)):
        obstore.rename(at, old, new, overwrite=True)


def create(at: Any, name: str, content: bytes) -> bool:
    """Writes an object in one atomic step unless it exists. Returns whether it wrote it.

    False also where a bucket wrote it and the answer was lost: look what is there.
    """
    try:
        with in_words(_place(at)):
            repeated(lambda: obstore.put(at, name, content, mode="create"))
    except AlreadyExistsError:
        return False
    return True


@dataclass(frozen=True)
class Seen:
    """An object as it was read: its bytes, none if there are too many, and its version.

    A version is a tag that no other content of the object has.
    """

    content: bytes
    version: str


def seen(at: Any, name: str, most: int) -> Seen | None:
    """Returns an object of at most `most` bytes with its version; None where there is none.

    Raises OSError where the bucket does not answer.
    """
    try:
        found = obstore.get(at, name)
        content = bytes(found.bytes()) if found.meta["size"] <= most else b""
        return Seen(content, _version(found.meta))
    except FileNotFoundError:
        return None
    except BaseError as error:
        raise OSError(_first_line(error)) from error


def swap(at: Any, name: str, content: bytes, version: str | None) -> str | None:
    """Writes an object in place of that version, or of none. Returns the new version.

    None where another version is there, or none where one was expected. Raises OSError where
    nobody knows whether it was written: the answer was lost, or there was none. A folder has no
    such step.
    """
    mode: Any = "create" if version is None else _update(version)
    try:
        return _version(obstore.put(at, name, content, mode=mode))
    except (PreconditionError, AlreadyExistsError):
        return None
    except (FileNotFoundError, BaseError) as error:
        if version is not None and isinstance(error, FileNotFoundError):
            return None
        # what is made anew misses nothing but its bucket
        raise OSError(_first_line(error)) from error


def _version(of: Any) -> str:
    """Returns one text for what stores name a version by: a tag, a number, or both."""
    return f"{of['version'] or ''}|{of['e_tag'] or ''}"


def _update(version: str) -> dict[str, str]:
    number, _, tag = version.partition("|")
    return {name: of for name, of in (("version", number), ("e_tag", tag)) if of}


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]


def get(at: Any, name: str) -> bytes | None:
    """Returns the content of an object; None where there is none."""
    try:
        return bytes(obstore.get(at, name).bytes())
    except FileNotFoundError:
        return None


def size(at: Any, name: str) -> int | None:
    """Returns the size of an object in bytes; None where there is none."""
    try:
        return int(obstore.head(at, name)["size"])
    except FileNotFoundError:
        return None


def modified(at: Any, name: str) -> datetime | None:
    """Returns when an object was last written; None where there is none."""
    try:
        when: datetime = obstore.head(at, name)["last_modified"]
    except FileNotFoundError:
        return None
    return when


def written(at: Any) -> Iterator[datetime]:
    """Yields when each object of the store was last written."""
    return (item["last_modified"] for page in obstore.list(at) for item in page)


def names(at: Any, folder: str) -> list[str]:
    """Returns the names of the objects directly in a folder, without the folder."""
    if isinstance(at, LocalStore):  # twenty times as fast as its own listing
        return _files(Path(str(at.prefix)) / folder)
    within = f"{folder}/" if folder else ""
    found = (str(item["path"]) for item in obstore.list_with_delimiter(at, folder)["objects"])
    # a folder that became empty, or was made by hand, is an object of its own name in some stores
    return [path.removeprefix(within) for path in found if path and path.startswith(within)]


def names_below(at: Any) -> list[str]:
    """Returns the names of all objects of a store, with their folders, in no order."""
    if isinstance(at, LocalStore):
        root = Path(str(at.prefix))
        inner = (folder for folder, _, _ in os.walk(root))
        return [
            str(Path(folder, name).relative_to(root))
            for folder in inner
            for name in _files(Path(folder))
        ]
    return [str(item["path"]) for page in obstore.list(at) for item in page]


def _files(folder: Path) -> list[str]:
    """Returns the names of whole files directly in a folder; none where it is missing."""
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as found:
        return [f.name for f in found if f.is_file() and not STAGED.search(f.name)]
    return []


def tags(at: Any) -> dict[str, tuple[int, str]]:
    """Returns the size [bytes] of each object of a store, and a tag that no other content has.

    Where a store gives none it is the time at which the object was written.
    """
    listed = (item for page in obstore.list(at) for item in page)
    return {
        str(one["path"]): (int(one["size"]), str(one["e_tag"] or one["last_modified"]))
        for one in listed
    }


def folders(at: Any) -> list[str]:
    """Returns the names of the folders directly in a store."""
    return [str(path).rstrip("/") for path in obstore.list_with_delimiter(at)["common_prefixes"]]


def delete(at: Any, name: str) -> None:
    """Removes an object; one that is missing is no fault."""
    try:
        repeated(lambda: obstore.delete(at, name))
    except FileNotFoundError:
        return


def delete_all(at: Any, names: Sequence[str]) -> None:
    """Removes objects in this order; those that are missing are no fault."""
    for name in names:
        delete(at, name)


def _delete_page(at: Any, names: list[str]) -> None:
    repeated(lambda: obstore.delete(at, names))


def remove(root: str) -> None:
    """Deletes everything below a place; a place that is missing is no fault."""
    if is_url(root):
        at = store(root)
        for page in obstore.list(at):
            _delete_page(at, [str(item["path"]) for item in page])
    elif Path(root).is_dir():
        _remove_folder(Path(root))
    else:
        Path(root).unlink(missing_ok=True)


def _remove_folder(folder: Path) -> None:
    """Removes a folder. A link to a folder stays, as it was made on purpose, and is emptied."""
    if not folder.is_symlink():
        shutil.rmtree(folder)
        return
    for inner in folder.iterdir():
        remove(str(inner))


def left_behind(root: str, before: datetime) -> list[Path]:
    """Returns unfinished files of processes that were killed; they appear in no listing."""
    if is_url(root):
        return []
    staged = [file for file in Path(root).rglob("*#*") if STAGED.search(file.name)]
    return [file for file in staged if _is_older(file, before)]


def _is_older(file: Path, moment: datetime) -> bool:
    """Whether a file is older; one that is gone meanwhile was written to its end, so it is not."""
    with suppress(FileNotFoundError):
        return file.stat().st_mtime < moment.timestamp()
    return False


def move_aside(root: str, suffix: str, confirm: Callable[[], None]) -> str | None:
    """Renames a folder to `root + suffix`, or copies a prefix there.

    Returns the new place, or None if there was nothing to move. `confirm` raises where what was
    copied may not be deleted any more.
    """
    if not is_url(root):
        return str(Path(root).rename(root + suffix)) if Path(root).exists() else None
    old, new = store(root), store(root + suffix)
    found = [str(item["path"]) for item in obstore.list(old).collect()]
    for name in found:
        put(new, name, get(old, name) or b"")
    confirm()
    _delete_page(old, found)
    return root + suffix if found else None


def _place(at: Any) -> str:
    """Returns where a store is, to be shown to a person."""
    return str(at.prefix) if isinstance(at, LocalStore) else "memory://"
