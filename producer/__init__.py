"""Synthetic and replayed log traffic, published to Kafka."""
