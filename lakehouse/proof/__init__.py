"""Proves the promise (`verify`): which records the tables hold, by topic and by imported file."""
