"""The front door, `logpond`, and the local stack."""
