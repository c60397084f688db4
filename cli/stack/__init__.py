"""`logpond up`: broker, producer, ingest and pages on this machine, with a live screen."""
