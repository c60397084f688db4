"""Formats whose record is a line of text, with those that continue it. Pure."""
