"""Synthetic traffic: makes events from a seed and a clock."""
