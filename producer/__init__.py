"""Synthetic and replayed log traffic, published to Kafka."""

import lakehouse as lakehouse  # first: it says where packages are looked for
