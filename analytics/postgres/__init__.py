"""The tables by PostgreSQL's protocol, for the tools that speak it: they are read, nothing else."""
