"""Detection worth waking up for: surprise on one scale, incidents that say what they saw."""
