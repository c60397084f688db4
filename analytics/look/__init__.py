"""The state and past of a lake as values: status, history, diff, tail."""
