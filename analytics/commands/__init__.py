"""Commands that read the lake, and those that keep its tables."""
