"""Commands of the producer: produce, files."""
