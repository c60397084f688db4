"""Keeps tables healthy while the stream runs."""
