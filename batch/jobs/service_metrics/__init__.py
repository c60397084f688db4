"""`logpond service-metrics`: how services answer, and the minutes in which they were too slow."""
