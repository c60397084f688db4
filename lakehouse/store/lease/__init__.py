"""One writer at a time: a lease that is taken and renewed, and an epoch that fences commits."""
