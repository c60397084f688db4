"""SQL over the tables of a lake, at any version or time."""
