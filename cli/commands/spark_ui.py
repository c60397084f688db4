"""`logpond spark-ui`: Spark's history server over the event logs of this lake."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from lakehouse.terminal.options import with_settings
from lakehouse.terminal.render import echo

if TYPE_CHECKING:
    from lakehouse.settings import Settings

# What it reads is kept small by those who write it.
PROPERTIES = """\
spark.history.fs.logDirectory {folder}
spark.history.ui.port {port}
spark.history.fs.update.interval 5s
spark.history.retainedApplications 5
"""
SERVER = "org.apache.spark.deploy.history.HistoryServer"


@click.command("spark-ui")
@with_settings
@click.option("--host", default="127.0.0.1", show_default=True, help="Where it listens.")
@click.option("--port", type=click.IntRange(1, 65535), default=18080, show_default=True)
def spark_ui(settings: Settings, host: str, port: int) -> None:
    """Show what Spark did in runs that are over: jobs, stages, plans. Ctrl-C ends it.

    A stream writes event logs where a setting says how much they may take:

    \b
      LOGPOND_SPARK_EVENT_LOG_MB=100 logpond up
      logpond spark-ui
    """
    from lakehouse.errors import SettingsError
    from lakehouse.runtime import environment, event_log, java
    from lakehouse.settings import CONF

    place = event_log.folder(settings)
    if not place.is_dir():
        raise SettingsError(
            f"there are no event logs in {place}",
            "run it with LOGPOND_SPARK_EVENT_LOG_MB=100 first",
        )
    java.check()
    if not environment.has_name():
        raise SettingsError(
            f"Spark's history server needs a name for user {environment.user()}",
            "run it as a user that /etc/passwd lists",
        )
    conf = place.with_name("spark-ui.conf")
    conf.write_text(PROPERTIES.format(folder=place.as_uri(), port=port))
    echo(f"runs of {settings.lake} at http://localhost:{port}")
    home, options = environment.spark_home(), environment.java_options(place.with_name("tmp"))
    environment.leave_other_installations()
    # this process becomes the server: signals and the exit code are its own
    os.execve(
        home / "bin" / "spark-class",
        ["spark-class", SERVER, "--properties-file", str(conf)],
        {
            **os.environ,
            "SPARK_HOME": str(home),
            "SPARK_CONF_DIR": str(CONF),
            "SPARK_LOCAL_IP": host,
            "SPARK_DAEMON_MEMORY": "512m",
            "SPARK_DAEMON_JAVA_OPTS": environment.quoted(options),
        },
    )
