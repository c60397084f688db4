"""Reads Kafka into Delta tables, each record once."""

import lakehouse as lakehouse  # first: it says where packages are looked for
