"""The kernel: what all programs agree on. It imports nothing else of ours."""
