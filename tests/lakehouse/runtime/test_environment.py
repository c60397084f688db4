"""What another installation leaves in the environment changes nothing, and stops nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.lakes import Lake

from lakehouse.errors import SettingsError
from lakehouse.runtime import environment
from lakehouse.settings import load

SPARK = {
    "SPARK_HOME": "/opt/spark-2.4",
    "SPARK_CONF_DIR": "/opt/spark-2.4/conf",
    "SPARK_REMOTE": "sc://127.0.0.1:1",
    "SPARK_API_MODE": "connect",
    "SPARK_CONNECT_MODE_ENABLED": "1",
    "SPARK_LOCAL_DIRS": "/nowhere",
    "SPARK_LOCAL_HOSTNAME": "nowhere.invalid",
    "SPARK_TESTING": "1",
    "PYSPARK_SUBMIT_ARGS": "--packages io.delta:delta-core_2.12:2.4.0 pyspark-shell",
    "PYSPARK_PYTHON": "python2",
    "PYSPARK_DRIVER_PYTHON": "jupyter",
    "PYSPARK_GATEWAY_PORT": "1",
    "PYSPARK_GATEWAY_SECRET": "x",
    "HADOOP_CONF_DIR": "/opt/hadoop/conf",
    "YARN_CONF_DIR": "/opt/hadoop/conf",
    "HIVE_HOME": "/opt/hive",
    "MASTER": "spark://127.0.0.1:1",
    "CLASSPATH": "/nowhere/x.jar",
}
# A JVM of ours overrides these: temporary files where no code may run, another alphabet.
JAVA = "-Djava.io.tmpdir={noexec} -Duser.home=/nowhere -Duser.language=tr -Duser.country=TR"
# In namespaces of their own: a host without an address, a place for temporary files where no code
# may run, and a user who has a number and no name, and who may read what root may.
ODD_MACHINE = """
hostname no-such-host.invalid && mount -t tmpfs -o noexec,mode=1777 tmpfs "$TMPDIR" &&
exec setpriv --reuid=54321 --regid=54321 --clear-groups \
    --inh-caps=+dac_read_search,+dac_override --ambient-caps=+dac_read_search,+dac_override "$@"
"""
SANDBOX = ["unshare", "--mount", "--uts", "sh", "-c", ODD_MACHINE, "sh"]
IMPORTED = "import cli.__main__, click, pyspark; print(click.__file__, pyspark.__file__)"


def can_be_odd() -> bool:
    """Whether namespaces can be made here: by root, mostly."""
    try:
        return not subprocess.run(["unshare", "-m", "-u", "true"], capture_output=True).returncode
    except OSError:
        return False


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder of packages that cannot be imported, with the names of ours."""
    for name in ("click", "pyspark", "py4j", "pyarrow", "pydantic"):
        (tmp_path / "foreign" / name).mkdir(parents=True)
        (tmp_path / "foreign" / name / "__init__.py").write_text("raise ImportError('old')")
    return tmp_path / "foreign"


def around(foreign: Path, **more: str) -> dict[str, str]:
    """An environment whose PYTHONPATH starts with these packages."""
    path = [str(foreign), str(environment.ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), **more}


def test_their_variables_are_dropped_and_others_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark's and Hadoop's go; ours, and those that look alike, stay."""
    own = {"LOGPOND_SPARK_MASTER": "local[2]", "MASTERPIECE": "1", "AWS_REGION": "x"}
    for name, value in {**SPARK, **own}.items():
        monkeypatch.setenv(name, value)
    environment.leave_other_installations()
    assert {*SPARK} & {*os.environ} == set()
    assert {name: os.environ[name] for name in own} == own


def test_services_of_our_name_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Kubernetes says of services `logpond`, `logpond-web`, ...; a port is a setting."""
    links = {
        "LOGPOND_SERVICE_HOST": "10.0.0.1",
        "LOGPOND_PORT": "tcp://10.0.0.1:8000",
        "LOGPOND_WEB_SERVICE_PORT_HTTP": "8000",
        "LOGPOND_KAFKA_PORT": "tcp://10.0.0.2:9092",
        "LOGPOND_KAFKA_SERVICE_PORT": "9092",
        "LOGPOND_KAFKA_PORT_9092_TCP_ADDR": "10.0.0.2",
    }
    for name, value in {**links, "LOGPOND_WEB_PORT": "8001"}.items():
        monkeypatch.setenv(name, value)
    environment.leave_other_installations()
    assert {*links} & {*os.environ} == set()
    assert load().web.port == 8001


def test_options_for_all_jvms_are_weaker_than_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """_JAVA_OPTIONS would win over a command line; JAVA_TOOL_OPTIONS does not."""
    monkeypatch.setenv("_JAVA_OPTIONS", "-Xmx9m")
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", "-Dhttp.proxyHost=proxy")
    environment.leave_other_installations()
    assert "_JAVA_OPTIONS" not in os.environ
    assert os.environ["JAVA_TOOL_OPTIONS"] == "-Dhttp.proxyHost=proxy -Xmx9m"


def test_packages_in_pythonpath_come_last(foreign: Path) -> None:
    """A program finds the locked packages, and so do its children."""
    child = (
        f"import subprocess, sys; {IMPORTED}; subprocess.run([sys.executable, '-c', {IMPORTED!r}])"
    )
    words = [sys.executable, "-c", child]
    done = subprocess.run(words, env=around(foreign), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
    assert str(foreign) not in done.stdout


def test_code_runs_where_the_machine_lets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Java's temporary files are where the machine's are, or else in a folder of ours."""
    usual, own = Path(tempfile.gettempdir()), tmp_path / "own"
    assert f"-Djava.io.tmpdir={usual}" in environment.java_options(own)
    flags = {own: 0}
    monkeypatch.setattr(
        os, "statvfs", lambda at: SimpleNamespace(f_flag=flags.get(at, os.ST_NOEXEC))
    )
    assert f"-Djava.io.tmpdir={own}" in environment.java_options(own)
    with pytest.raises(SettingsError, match=r"mounted noexec.*\n.*set TMPDIR"):
        environment.java_options(tmp_path / "another")


def test_options_keep_their_blanks_and_quotes() -> None:
    """As Spark reads a property with options in it."""
    assert environment.quoted(["-Da=b c", '-Dd="\\']) == '"-Da=b c" "-Dd=\\"\\\\"'


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter; pytest's own is its user's."""
    with tempfile.TemporaryDirectory() as name:
        Path(name, "tmp").mkdir()
        yield Path(name)


@pytest.mark.nightly
@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.skipif(not can_be_odd(), reason="no namespaces can be made here")
@pytest.mark.timeout(600)
def test_spark_answers_on_the_oddest_machine(open_folder: Path, foreign: Path) -> None:
    """All of it at once: another Spark, no name for user or host, no HOME, /tmp without code."""
    lake = Lake.at(open_folder)
    lake.admit()
    lake.batch(0, {0: 7})
    subprocess.run(["chmod", "-R", "a+rwX", open_folder], check=True)
    odd = around(foreign, **SPARK, TMPDIR=f"{open_folder}/tmp")
    odd["_JAVA_OPTIONS"] = JAVA.format(noexec=odd["TMPDIR"])
    odd.pop("HOME", "")
    words = ["sql", "SELECT COUNT(*) AS n FROM logs", "--engine", "spark", "--format", "csv"]
    command = [*SANDBOX, sys.executable, "-m", "cli", *words, "--lake", lake.places.lake]
    done = subprocess.run(command, env=odd, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "n\n7\n"), done.stderr
