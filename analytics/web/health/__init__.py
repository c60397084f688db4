"""Health, readiness and metrics, for programs."""
