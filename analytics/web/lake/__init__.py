"""The lake as the pages read it: held open, pinned to a moment."""
