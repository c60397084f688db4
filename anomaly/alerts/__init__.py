"""Sends incidents to a webhook, by way of an outbox on disk."""
