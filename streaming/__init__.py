"""Kafka to Delta tables, each record once."""
