"""What programs run on: Java, jars, Spark's session, Kafka, processes."""
