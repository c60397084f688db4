"""The lake as the pages read it: tables are kept open, and fixed at a moment."""
