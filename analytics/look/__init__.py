"""What is in the lake, as values and as lines: status, history, diff, tail, lag."""
