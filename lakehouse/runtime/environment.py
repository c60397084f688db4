"""What our programs and their JVMs take from the environment, and what of it they leave alone.

Another Spark or Hadoop on the same machine speaks through variables (`SPARK_HOME`, `SPARK_REMOTE`,
`HADOOP_CONF_DIR`, ...); ours has its own configuration, and runs as if they were not there.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import resource
import site
import sys
import sysconfig
import tempfile
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from lakehouse.errors import SettingsError

ROOT = Path(__file__).resolve().parents[2]
FOREIGN = re.compile(r"_?(SPARK|PYSPARK|HADOOP|HDFS|YARN|HIVE|MAPRED)_\w+|MASTER|CLASSPATH")
# What Kubernetes and Docker tell each container of a service that is called like our settings.
LINKED = re.compile(r"LOGPOND_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)\w*)?)")
LINK = re.compile(r"(tcp|udp|sctp)://.*")
# Letters are compared and numbers are printed by the default locale: `I` is no `i` in Turkish.
LOCALE = ("-Duser.language=en", "-Duser.country=US", "-Duser.script=", "-Duser.variant=")


def leave_other_installations(but: Collection[str] = ()) -> None:
    """Drop their variables from this process, and so from its children; those in `but` stay."""
    for name in {*os.environ} - {*but}:
        if FOREIGN.fullmatch(name) or _is_a_link(name):
            del os.environ[name]
    # these would win over the options that a JVM of ours is started with
    if strong := os.environ.pop("_JAVA_OPTIONS", ""):
        os.environ["JAVA_TOOL_OPTIONS"] = f"{os.environ.get('JAVA_TOOL_OPTIONS', '')} {strong}"


def open_more_files() -> None:
    """Raises the limit of open files to the user's maximum; macOS starts with 256."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def own_packages_first() -> None:
    """Look for packages in PYTHONPATH last, here and in children: ours are the locked ones."""
    own = [str(ROOT), sysconfig.get_path("stdlib"), *site.getsitepackages()]
    named = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    others = [entry for entry in named if not entry.startswith(tuple(own))]
    if others:
        last = [entry for entry in sys.path if entry in others]
        sys.path[:] = [entry for entry in sys.path if entry not in others] + last
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))


def java_options(*own: Path) -> list[str]:
    """Returns the options that each JVM of ours is started with, whatever the environment sets.

    Native codecs are unpacked to `java.io.tmpdir` and run from there: the usual temporary folder,
    or else the first of the folders `own` where the file system lets code run. Raises SettingsError
    where none does.
    """
    return [f"-Djava.io.tmpdir={_runs_code(own)}", f"-Duser.home={_home(own)}", *LOCALE]


def spark_home() -> Path:
    """Returns the folder of the locked Spark."""
    found = importlib.util.find_spec("pyspark")
    if not found or not found.origin:
        raise SettingsError("the package pyspark is not installed", "run `make setup`")
    return Path(found.origin).parent


def has_name() -> bool:
    """Whether the machine knows this user by a name; a container may run as any number."""
    with suppress(KeyError):
        return bool(pwd.getpwuid(os.geteuid()))
    return False


def user() -> str:
    """This user's name, or else the number."""
    return pwd.getpwuid(os.geteuid()).pw_name if has_name() else str(os.geteuid())


def quoted(options: Collection[str]) -> str:
    """Options as one of Spark's properties holds them."""
    escaped = (option.replace("\\", r"\\").replace('"', r"\"") for option in options)
    return " ".join(f'"{option}"' for option in escaped)


def _is_a_link(name: str) -> bool:
    """Not LOGPOND_WEB_PORT=8000, but LOGPOND_WEB_PORT=tcp://10.0.0.1:8000, and all beside it."""
    is_a_setting = name.endswith("_PORT") and "_SERVICE_" not in name
    return bool(LINKED.fullmatch(name)) and (
        not is_a_setting or bool(LINK.fullmatch(os.environ[name]))
    )


def _runs_code(own: Collection[Path]) -> Path:
    places = [*_temporary(), *own]
    for place in places:
        with suppress(OSError):
            place.mkdir(parents=True, exist_ok=True)
            if _is_writable(place) and not os.statvfs(place).f_flag & os.ST_NOEXEC:
                return place
    raise SettingsError(
        f"no code may run from {' or '.join(map(str, places))}: mounted noexec, or not writable",
        "Java unpacks its codecs there: set TMPDIR to a folder where it may",
    )


def _temporary() -> list[Path]:
    try:
        return [Path(tempfile.gettempdir())]
    except FileNotFoundError:
        return []


def _home(own: Collection[Path]) -> Path:
    """The user's folder, or one of ours where the machine knows none: for Java it would be `?`."""
    with suppress(RuntimeError):
        if _is_writable(home := Path.home()):
            return home
    return _runs_code(own)


def _is_writable(folder: Path) -> bool:
    """Found by writing: rights alone do not say it, nor whether there is room."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
