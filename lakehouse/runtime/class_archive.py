"""Archives of parsed classes (AppCDS), by which a JVM that finds one starts with half the CPU.

They are optional files beside the jars, which `make development` makes for the many starts of the
tests; without one, or with one that fits no more, a JVM loads its classes out of the jars as ever.
"""

from __future__ import annotations

from pathlib import Path

from lakehouse.runtime import jars

# What does not fit is left aside; without this it would say so in the output of each program.
QUIET = "-Xlog:cds*=off,class+path*=off"


def archive(name: str) -> Path:
    """Returns the file of the archive of a kind of JVM, as `spark`; it may not be there."""
    return jars.folder() / f"{name}.jsa"


def java_options(name: str) -> list[str]:
    """Returns the options by which a JVM uses the archive of its kind; none without one."""
    file = archive(name)
    return [f"-XX:SharedArchiveFile={file}", "-Xshare:auto", QUIET] if file.is_file() else []
