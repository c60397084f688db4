"""Whether a bucket answers, and what its refusals mean, in one sentence each."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

from lakehouse.errors import LogpondError, SettingsError, StorageError
from lakehouse.storage.connection import Storage
from lakehouse.storage_settings import Storage as Section

SCHEMES = ("s3", "gs", "az", "file")
NOTHING = "_logpond/nothing"
PATIENCE: Any = {
    "max_retries": 2,
    "retry_timeout": timedelta(seconds=10),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=1),
        "base": 2,
    },
}
STORES = re.compile(r"Generic (S3|GCS|MicrosoftAzure|URL|Config) error")
CODE = re.compile(r"<Code>(\w+)</Code>")
STATUS = re.compile(r"status code\S*\s+(?:\S+\s+)??(\d{3})\b", re.DOTALL | re.IGNORECASE)
# How the texts of Spark's connector begin.
OF_SPARK = re.compile(r"\bawssdk\.|\bfs\.s3a\.AWS\w+Exception")
# What stores say that have no room; others answer 507 alone.
FULL = ("QuotaExceeded", "InsufficientStorage", "XMinioStorageFull")
# Buckets that have answered this process; a refusal is not remembered.
answered = set[str]()
COLOURS = re.compile(r"\x1b\[[0-9;]*m|↳")
METADATA = ("169.254.169.254", "InstanceCredential", "metadata endpoint")
UNREACHED = (
    "error sending request",
    "HTTP error",
    "operation timed out",
    "Connect",
    "Unable to execute HTTP request",
)
DISTRUST = ("InvalidCertificate(", "invalid peer certificate", "PKIX path")
LONGEST_TEXT = 300
KEYS = (
    "give [storage] access_key and secret_key_file, or the variables of AWS_*; `logpond doctor` "
    "tries them"
)


def check(root: str) -> None:
    """Asks the bucket of a URL for nothing, once a process.

    It asks below the place: keys may be for a part of the bucket alone.

    Raises StorageError where it does not answer or refuses, SettingsError for a URL that is none.
    """
    parts = urlsplit(root)
    if parts.scheme == "file":
        return
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise SettingsError(
            f"{root} is no place of a lake",
            "take a folder, or s3://BUCKET/PATH (to read also gs:// and az://)",
        )
    bucket = f"{parts.scheme}://{parts.netloc}"
    if bucket not in answered:
        _ask(root, bucket)
        answered.add(bucket)


def _ask(root: str, bucket: str) -> None:
    try:
        next(iter(obstore.list(patient(root), NOTHING)), None)
    except Exception as error:
        raise fault(error, bucket) or error from error


def patient(bucket: str) -> Any:
    """Returns a store that gives up within seconds."""
    return from_url(bucket, retry_config=PATIENCE)


def fault(error: Exception, bucket: str = "") -> LogpondError | None:
    """Returns the error to raise where a library could not reach a bucket; otherwise None."""
    text = _plain(error)
    if not (isinstance(error, BaseError) or _is_of_storage(text)):
        return None
    where, named = _where(bucket), bucket or "the bucket"
    code, status = _found(CODE, text), _found(STATUS, text)
    if code == "NoSuchBucket":
        return StorageError(
            f"there is no bucket {named} at {where}",
            "make it first, or name another: --lake s3://BUCKET/PATH",
        )
    if is_full(error):
        return StorageError(
            f"{named} is full at {where}",
            "make room there or raise its quota, then start again: nothing is lost, and nothing "
            "half written counts",
        )
    if any(sign in text for sign in METADATA):
        return StorageError(f"no keys for {named} at {where}", KEYS)
    if status in ("401", "403"):
        return StorageError(f"{where} refuses the keys for {named} ({code or status})", KEYS)
    if status:
        return StorageError(
            f"{where} failed: {code or 'status'} {status}", "try again; its own log says why"
        )
    if any(sign in text for sign in DISTRUST):
        return StorageError(
            f"the certificate of {where} is not trusted here",
            "[storage] ca_file names the certificate of its authority",
        )
    if any(sign in text for sign in UNREACHED):
        return StorageError(
            f"no answer from {where} for {named}",
            "is it running? [storage] endpoint and region say where it is",
        )
    return StorageError(f"{where}: {text[:LONGEST_TEXT]}", "see [storage] in conf/logpond.toml")


def _is_of_storage(text: str) -> bool:
    return bool(STORES.search(text) or OF_SPARK.search(text) or "<Code>" in text)


def is_full(error: Exception) -> bool:
    """Whether a bucket has no room, which no keys change."""
    text = _plain(error)
    return _found(STATUS, text) == "507" or any(sign in text for sign in FULL)


def is_lost(error: Exception) -> bool:
    """Whether a bucket gave no answer: nobody knows then whether it did what it was asked."""
    text = _plain(error)
    is_silent = any(sign in text for sign in UNREACHED)
    return is_silent and bool(STORES.search(text)) and not _found(STATUS, text)


def refuses(error: Exception) -> bool:
    """Whether a bucket refused the keys, which no waiting changes."""
    texts = (COLOURS.sub("", str(each)) for each in (error, error.__cause__))
    return any(_found(STATUS, text) in ("401", "403") for text in texts)


def _plain(error: Exception) -> str:
    return " ".join(COLOURS.sub("", str(error)).split())


def _where(bucket: str) -> str:
    """Returns who was asked, as error texts name it."""
    if urlsplit(bucket).scheme in ("gs", "az"):
        return "its cloud"
    return Storage.of(Section(), os.environ).where


def _found(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
