"""A Spark session that is none of ours, as a process: it runs the statements of its input.

For each line it prints `ok`, or the fault in one line. It has our jars of Delta, and no setting of
ours but small sizes. Where the environment leads to a bucket, it reads that as `s3a://`.
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


def of_bucket() -> dict[str, str]:
    """What its user has to say where the store is none of Amazon's."""
    if "AWS_ENDPOINT_URL" not in os.environ:
        return {}
    return {
        "spark.hadoop.fs.s3a.endpoint": os.environ["AWS_ENDPOINT_URL"],
        "spark.hadoop.fs.s3a.endpoint.region": os.environ["AWS_REGION"],
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
        "spark.hadoop.fs.s3a.input.stream.type": "classic",
    }


def main() -> None:
    """Runs until its input ends."""
    os.environ.update(SPARK_HOME=str(environment.spark_home()), PYSPARK_PYTHON=sys.executable)
    from pyspark.sql import SparkSession

    found = [*jars.spark_jars(), *(jars.s3_jars() if of_bucket() else [])]
    class_path = os.pathsep.join(map(str, found))
    builder = SparkSession.builder.master("local[1]")
    builder = builder.config("spark.driver.extraClassPath", class_path)
    for name, value in {**OPTIONS, **of_bucket()}.items():
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
