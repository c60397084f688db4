"""Makes the archives of classes for the JVMs of tests: `python -m support.class_archives`.

Each JVM does once what most tests have it do, and writes down the classes that it loaded. Some 300
MB in the folder of the jars; no program needs them, and the image has none (decision 22).
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support import produced, streams

from cli.stack.broker import Broker
from lakehouse.runtime import class_archive, kafka
from lakehouse.runtime.session import session

QUICK = ("-XX:TieredStopAtLevel=1", "-Xlog:disable")


@contextmanager
def recorded(name: str) -> Iterator[pytest.MonkeyPatch]:
    """JVMs of a kind that are started here write its archive when they end; old ones are gone."""
    file = class_archive.archive(name)
    file.unlink(missing_ok=True)
    pending = file.with_suffix(f".{os.getpid()}")
    options = {name: [f"-XX:ArchiveClassesAtExit={pending}", *QUICK]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(class_archive, "java_options", lambda kind: options.get(kind, []))
        yield patch
    pending.replace(file)


def of_spark(bootstrap: str, topic: str, folder: Path) -> None:
    """Ingest, windows, and a query of the table that they read."""
    from pyspark import SparkContext

    asked = streams.settings(bootstrap, topic, folder / "lake")
    with recorded("spark"):
        streams.ingest_once(asked)
        spark = session(asked, "tests")
        logs = spark.read.format("delta").load(f"{asked.lake}/logs")
        logs.groupBy("service").count().orderBy("service").collect()
        spark.stop()
        jvm = SparkContext._gateway
        assert jvm is not None
        jvm.proc.stdin.close()
        jvm.proc.wait()


def main() -> None:
    """Both archives; a broker's is of one that has formatted its folder before."""
    print("making archives of classes for the JVMs of tests, once: a minute", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        with Broker(str(place / "broker")):
            pass
        with recorded("broker"), Broker(str(place / "broker")) as broker:
            kafka.create(broker.connection, "archived", partitions=2)
            flags = ("--rate", "5", "--backfill", "2h", "--duration", "1", "--malformed", "0.1")
            produced.run(broker.bootstrap, "archived", place / "producer", *flags)
            of_spark(broker.bootstrap, "archived", place)


if __name__ == "__main__":
    sys.exit(main())
