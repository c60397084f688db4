"""Records that name their schema: Avro, Protobuf and JSON Schema, as registries number them."""
