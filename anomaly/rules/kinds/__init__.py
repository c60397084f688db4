"""Kinds of conditions, a module each."""
