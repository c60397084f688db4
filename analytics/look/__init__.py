"""The state and the history of a lake as values: status, history, diff, tail."""
