"""A Spark session that is none of ours, as a process: it runs the statements of its input.

For each line it prints `ok`, or the fault in one line. It has our jars of Delta, and no setting of
ours but small sizes.
"""

from __future__ import annotations

import os
import sys

from lakehouse.runtime import environment, jars

CATALOG = "spark.sql.catalog.spark_catalog"
OPTIONS = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    CATALOG: "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.ui.enabled": "false",
    "spark.driver.host": "localhost",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.shuffle.partitions": "1",
}


def main() -> None:
    """Runs until its input ends."""
    os.environ.update(SPARK_HOME=str(environment.spark_home()), PYSPARK_PYTHON=sys.executable)
    from pyspark.sql import SparkSession

    class_path = os.pathsep.join(map(str, jars.spark_jars()))
    builder = SparkSession.builder.master("local[1]")
    builder = builder.config("spark.driver.extraClassPath", class_path)
    for name, value in OPTIONS.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    for statement in sys.stdin:
        try:
            spark.sql(statement.strip()).collect()
            print("ok", flush=True)
        except Exception as error:
            print(" ".join(str(error).split())[:300], flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
