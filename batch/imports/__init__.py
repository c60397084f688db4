"""Files into the lake: the second door to `logs` and `quarantine`. Nothing is imported here."""
