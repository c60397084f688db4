"""The Java that Spark and the embedded broker run on. Standard library only: the set-up asks it."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

from lakehouse.errors import SettingsError

OLDEST = 17
OPEN_FILES = 512
INSTALL = (
    "Debian/Ubuntu: apt install openjdk-17-jre-headless (or 21); "
    "Fedora/RHEL: dnf install java-21-openjdk-headless; "
    "Arch: pacman -S jre17-openjdk-headless; macOS: brew install openjdk@17; "
    "Windows: winget install Microsoft.OpenJDK.17"
)


def check() -> str:
    """The path of a Java that is new enough; SettingsError, in one line, if there is none."""
    _check_open_files()
    home = os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else shutil.which("java")
    where = f"JAVA_HOME={home}" if home else java
    found = _version(java) if java else None
    if java and found and found >= OLDEST:
        return java
    seen = f"{where} is Java {found}" if found else f"none at {where or 'PATH or JAVA_HOME'}"
    raise SettingsError(f"Java {OLDEST} or newer is needed ({seen}). {INSTALL}")


def _check_open_files() -> None:
    """A JVM of Spark opens each of its jars, and asks for as many files as it may have."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if 0 <= most < OPEN_FILES:
        raise SettingsError(
            f"only {most} files may be open at a time (ulimit -n), and Spark needs {OPEN_FILES}",
            "raise it: ulimit -n 4096, or LimitNOFILE= of its service",
        )


def _version(java: str) -> int | None:
    """The major version: 17 of 17.0.15, 8 of 1.8.0_392; None where there is none, or it fails."""
    match = re.search(
        r'(?:version |JAVA_VERSION=)"(?:1\.)?(\d+)', _release_file(java) or _version_output(java)
    )
    return int(match[1]) if match else None


def _release_file(java: str) -> str:
    """Returns the text of Java's `release` file, which needs no JVM; empty where it is missing."""
    try:
        return (Path(java).resolve().parent.parent / "release").read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def _version_output(java: str) -> str:
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stderr + answer.stdout


if __name__ == "__main__":
    try:
        check()
    except SettingsError as error:
        sys.exit(str(error))
