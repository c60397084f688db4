"""Files of logs for the file jobs: made, seeded, the same bytes for the same seed."""
