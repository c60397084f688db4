"""The commands of detection."""
