"""Names for versions of tables: kept in the lake, and what keeps their versions readable."""
