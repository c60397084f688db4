"""Commands that read the lake, and commands that maintain its tables."""
