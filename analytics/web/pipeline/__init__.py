"""The page Pipeline: queries, batches, quarantine, verify."""
