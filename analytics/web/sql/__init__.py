"""SQL: a box for statements that read, their answer as a table and a chart, kept questions."""
