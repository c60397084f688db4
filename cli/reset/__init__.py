"""`logpond reset`: topic, checkpoints and tables deleted together."""
