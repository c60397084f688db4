"""Patterns of messages: how lines are masked, and the templates that they make. Pure."""
