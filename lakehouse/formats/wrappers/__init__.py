"""Formats that put a prefix before the lines of another. Pure."""
