"""Formats whose records are rows under a header. Pure."""
