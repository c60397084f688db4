"""Commands of this machine: up, doctor, reset, spark-ui."""
