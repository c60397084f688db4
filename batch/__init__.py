"""What comes out of files: formats, imports, file jobs, the cost of a scan."""
