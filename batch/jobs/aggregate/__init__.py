"""`logpond aggregate`: sums of metrics by period, user and app, over a file a day or the lake."""
