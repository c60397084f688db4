"""The page Home: rates, latency, incidents, recent events."""
