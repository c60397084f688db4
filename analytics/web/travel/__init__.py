"""The page Time travel: the versions of a table and their differences."""
