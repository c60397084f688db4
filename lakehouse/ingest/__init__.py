"""Ingest as all programs know it: plans, checkpoints, admission, the raw zone, lag."""
