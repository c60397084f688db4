"""The tables of a lake as values, and the rollups that are counted into some. Pure."""
