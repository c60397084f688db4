"""What no column of an event takes: as pairs of one event, and as a column of many."""
