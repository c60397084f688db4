"""Commands over files: discover, import, scan-cost and the file jobs."""
