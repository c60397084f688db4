"""What there is to look at: the tables of a lake, in PostgreSQL's words."""
