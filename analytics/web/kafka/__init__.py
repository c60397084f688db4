"""The page Kafka."""
