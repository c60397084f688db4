"""Makes files of logs for the file jobs: the same seed gives the same bytes."""
