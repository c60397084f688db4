"""Formats whose record is JSON, or another encoding of an object. Pure."""
