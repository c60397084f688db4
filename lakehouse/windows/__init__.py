"""Windows of `logs`: the stream closes them, DuckDB counts, checks and recounts them."""
