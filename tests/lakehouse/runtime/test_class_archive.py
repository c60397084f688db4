"""A JVM starts from an archive of classes where there is one, and never minds one that is none."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lakehouse.runtime import class_archive, java

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def started(*options: str) -> subprocess.CompletedProcess[str]:
    """A JVM that ends at once."""
    command = [java.check(), *options, "-version"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_there_need_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that runs no tests has none."""
    monkeypatch.setenv("LOGPOND_JARS", str(tmp_path))
    assert class_archive.java_options("spark") == []


def test_what_is_no_archive_is_left_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The JVM starts without it, and does not put a word into the output of its program."""
    monkeypatch.setenv("LOGPOND_JARS", str(tmp_path))
    (tmp_path / "spark.jsa").write_bytes(b"no archive at all" * 1000)

    done = started(*class_archive.java_options("spark"))

    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "rchive" not in done.stderr


def test_the_archive_fits_the_class_path_of_spark(spark: SparkSession) -> None:
    """A JVM that has to use it starts: else each test would take its classes out of the jars."""
    if not class_archive.archive("spark").is_file():
        pytest.skip("no archive was made here: make test makes one")
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    class_path = jvm.java.lang.System.getProperty("java.class.path")
    options = class_archive.java_options("spark")

    done = started(*options, "-Xshare:on", "-cp", class_path)

    assert done.returncode == 0, done.stdout + done.stderr
