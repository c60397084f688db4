"""Reads of every table, at any version or time."""
