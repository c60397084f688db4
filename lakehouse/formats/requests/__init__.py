"""Formats whose record is a line about a request that a server or a proxy answered. Pure."""
