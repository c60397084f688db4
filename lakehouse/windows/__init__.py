"""Windows of `logs`: closed by the stream, counted by DuckDB, checked and made again."""
