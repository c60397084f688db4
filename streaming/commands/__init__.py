"""The commands of the stream: stream, recover, replay-quarantine, upkeep, health."""
