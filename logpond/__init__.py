"""The name of the project; its command is `logpond`."""
