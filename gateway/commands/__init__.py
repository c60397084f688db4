"""The command of the gateway."""
