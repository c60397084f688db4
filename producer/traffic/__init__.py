"""Synthetic traffic: seed and clock to events."""
