"""`logpond doctor`: is this machine fit, and what to do if not."""
