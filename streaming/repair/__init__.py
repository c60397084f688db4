"""A checkpoint or a reject made good: recover, replay."""
