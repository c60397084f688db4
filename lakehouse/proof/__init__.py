"""The promise, proved: `verify`, which records are covered, which files."""
