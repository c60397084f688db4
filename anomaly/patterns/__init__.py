"""Patterns of messages of a service: one that is new, or suddenly frequent. Pure."""
