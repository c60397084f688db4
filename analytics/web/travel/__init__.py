"""The page Time travel: versions of a table, and what they differ in."""
