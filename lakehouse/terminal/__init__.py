"""How a command begins, reads its options, prints and ends."""
