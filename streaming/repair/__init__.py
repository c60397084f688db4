"""Repairs a checkpoint, tables or rejects: recover, replay."""
