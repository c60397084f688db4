"""What was found, looked at again: explained, drawn, recounted, backtested."""
