"""What it costs: harnesses that print a table and save JSON, each next to a peer of its own run."""
