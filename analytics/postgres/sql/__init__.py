"""What clients say in SQL, before DuckDB sees it. Pure."""
